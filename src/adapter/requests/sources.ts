import type { DebugProtocol } from '@vscode/debugprotocol';
import { basename } from 'node:path';
import type { Session } from '../session';

export function loadedSources(session: Session): DebugProtocol.LoadedSourcesResponse['body'] {
  return { sources: session.target.program.sources.map(path => ({ name: basename(path), path })) };
}
