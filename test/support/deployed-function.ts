import { GetFunctionConfigurationCommand, LambdaClient, UpdateFunctionConfigurationCommand } from '@aws-sdk/client-lambda';
import { type Deployed, deploymentName } from './deploy.ts';

/** Runs something while a function of the deployment has other settings, as after an accident of an operator. */
export async function withEnvironment(deployed: Deployed, operation: string, changes: Readonly<Record<string, string>>, run: () => Promise<void>): Promise<void> {
  const lambda = new LambdaClient(deployed.client);
  const FunctionName = `${deploymentName}-${operation}`;
  const { Environment } = await lambda.send(new GetFunctionConfigurationCommand({ FunctionName }));
  const Variables = Environment?.Variables ?? {};
  const set = (variables: Readonly<Record<string, string>>) => lambda.send(new UpdateFunctionConfigurationCommand({ FunctionName, Environment: { Variables: { ...variables } } }));
  await set({ ...Variables, ...changes });
  try {
    await run();
  } finally {
    await set(Variables);
    lambda.destroy();
  }
}
