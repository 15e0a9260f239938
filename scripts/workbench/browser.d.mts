import type { LaunchOptions } from 'playwright-core';
export function browserOptions(log?: (text: string) => void): Promise<LaunchOptions>;
