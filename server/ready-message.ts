export interface Ready {
  readonly endpoint: string;
  readonly credentialsFile: string;
  readonly dataDir: string;
  readonly degraded: boolean;
}

/** For the person who typed `npm start`: where it is, who may use it, and three commands that work as they stand. */
export function readyMessage({ endpoint, credentialsFile, dataDir, degraded }: Ready): string {
  const shellPath = /^[A-Za-z0-9_./-]+$/.test(credentialsFile) ? credentialsFile : `'${credentialsFile.replaceAll("'", "'\\''")}'`;
  return `
Chatelaine is ${degraded ? 'running, but its HSM bridge is not ready yet: see the lines above' : 'ready'}.

  Endpoint     ${endpoint}   (health: ${endpoint}/health; ${endpoint}/metrics with the token in ${dataDir}/metrics-token)
  Credentials  ${credentialsFile}   (profile default: an administrator)
  More people  ${dataDir}/principals.json, read again when it changes

Try it, in another terminal:

  export AWS_SHARED_CREDENTIALS_FILE=${shellPath} AWS_REGION=us-east-1

  1. AWS CLI
     aws kms create-key --endpoint-url ${endpoint} --region us-east-1

  2. curl
     curl ${endpoint}/v1/keys --aws-sigv4 aws:amz:us-east-1:kms \\
       --user "$(awk -F' *= *' '/^aws_access_key_id/{k=$2} /^aws_secret_access_key/{s=$2} END{print k":"s}' ${shellPath})"

  3. AWS SDK for JavaScript (npm install @aws-sdk/client-kms)
     node -e 'const { KMSClient, CreateKeyCommand } = require("@aws-sdk/client-kms");
       new KMSClient({ endpoint: "${endpoint}", region: "us-east-1" }).send(new CreateKeyCommand()).then((answer) => console.log(answer.KeyMetadata.Arn))'

Ctrl-C stops it.
`;
}
