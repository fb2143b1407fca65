import { join } from 'node:path';
import { root, runStep } from './step.mjs';

/** The emulator of AWS and boto3, for the tests. The script says itself what it does and what is missing. */
export function ensurePythonEnvironment(node) {
  runStep([node, join(root, 'scripts/python-venv.mjs')], { help: 'The tests need it.' });
}
