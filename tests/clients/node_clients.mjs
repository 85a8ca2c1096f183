// Run all rows of the Node clients at each side that standard input names; print JSON, one object a line
import { readFileSync } from 'node:fs';
import './ask_openai_node.mjs';
import './ask_vercel.mjs';
import { run } from './node_rows.mjs';

await run(JSON.parse(readFileSync(0, 'utf8')), process.argv[2]);
