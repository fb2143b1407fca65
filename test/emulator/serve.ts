/** `npm run emulator`: what the tests of this folder deploy, left running for a person. Ctrl-C ends all of it. */
import { startDeployment } from '../support/deploy.ts';
import { createUser } from '../support/deployed-callers.ts';

const say = (line: string): void => console.log(line);

say('Starting the emulator and two bridges on SoftHSM, and deploying the profile emulator into it. This takes about a minute.');
const deployed = await startDeployment();
// The profile names this user as the first administrator.
const { accessKeyId, secretAccessKey } = await createUser(deployed, 'alice', ['execute-api:Invoke']);

say(`
The deployed API: ${deployed.apiUrl}
The emulator:     ${deployed.client.endpoint} (AWS_ENDPOINT_URL for other commands; access key and secret are both "test")
The administrator alice: ${accessKeyId} ${secretAccessKey}

  curl --aws-sigv4 aws:amz:${deployed.client.region}:execute-api --user ${accessKeyId}:${secretAccessKey} \\
    -H 'content-type: application/x-amz-json-1.1' -H 'x-amz-target: TrentService.CreateKey' -d '{}' ${deployed.apiUrl}/

Ctrl-C stops everything. Nothing is kept.`);

let stopping = false;
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const)
  process.on(signal, () => {
    if (stopping) return;
    stopping = true;
    void deployed.stop().then(() => process.exit(0));
  });
setInterval(() => undefined, 60_000);
