import type { DebugProtocol } from '@vscode/debugprotocol';
import { basename, dirname } from 'node:path';
import { UserError } from '../protocol/errors';
import type { Session } from '../session';

/** A source as clients want it. One that is not on this computer gets a text that says so, and what to do. */
export function describeSource(session: Session, path: string): DebugProtocol.Source {
  const reference = session.sources.missing(path);
  const source = { name: basename(path), path };
  return reference === undefined
    ? source
    : { ...source, sourceReference: reference, origin: 'not found on this computer' };
}

/** The text in place of a source that is missing. */
export function sourceText(
  session: Session,
  args: DebugProtocol.SourceArguments,
): DebugProtocol.SourceResponse['body'] {
  const path = session.sources.path(args.source?.sourceReference ?? args.sourceReference);
  if (!path) throw new UserError('there is no text for this source: open it by its path');
  return { content: missingText(path), mimeType: 'text/plain' };
}

function missingText(path: string): string {
  const folder = dirname(path);
  return [
    `${basename(path)} is not on this computer at the place where the program was built:`,
    '',
    `    ${path}`,
    '',
    'If it is somewhere else, say so in launch.json:',
    '',
    `    "sourceMap": { ${JSON.stringify(folder)}: "\${workspaceFolder}" }`,
    '',
    'Without it, the Disassembly View (Open Disassembly View in the Call Stack’s menu) shows and steps the instructions.',
    '',
  ].join('\n');
}

export function loadedSources(session: Session): DebugProtocol.LoadedSourcesResponse['body'] {
  const paths = new Set(session.target.modules.flatMap(({ image }) => image.sources));
  return { sources: [...paths].map(path => describeSource(session, path)) };
}
