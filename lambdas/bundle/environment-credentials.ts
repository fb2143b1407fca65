import type { AwsCredentials } from '../adapters/sdk-sender.ts';

/**
 * Stands in the bundles for @aws-sdk/credential-provider-node: the credentials of the function's role, as the Lambda service puts them in the environment.
 * They are fixed for the life of an execution environment.
 */
export function defaultProvider(): () => Promise<AwsCredentials> {
  return async () => {
    const { AWS_ACCESS_KEY_ID: accessKeyId, AWS_SECRET_ACCESS_KEY: secretAccessKey, AWS_SESSION_TOKEN: sessionToken } = process.env;
    if (!accessKeyId || !secretAccessKey) throw new Error('The environment holds no AWS credentials.');
    return { accessKeyId, secretAccessKey, ...(sessionToken ? { sessionToken } : {}) };
  };
}
