import type { DebugProtocol } from '@vscode/debugprotocol';
import { basename } from 'node:path';
import type { Session } from '../session';

export function loadedSources(session: Session): DebugProtocol.LoadedSourcesResponse['body'] {
  const paths = new Set(session.target.modules.flatMap(({ image }) => image.sources));
  return { sources: [...paths].map(path => ({ name: basename(path), path })) };
}
