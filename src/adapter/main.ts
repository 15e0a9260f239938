/* dist/adapter.js: the Debug Adapter Protocol on standard input and output, for any client. */
import { serve } from './stdio';

void serve(process.stdin, process.stdout, __dirname).then(() => process.exit(0));
