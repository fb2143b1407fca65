/** The permission boundary of every role of the deployment. It stands before all other stacks, so that no role is ever without it. */
import { Stack, type StackProps } from 'aws-cdk-lib';
import { ManagedPolicy, PolicyStatement } from 'aws-cdk-lib/aws-iam';
import type { Construct } from 'constructs';
import { boundaryActions, boundaryName } from '../permission-boundary.ts';

export class BoundaryStack extends Stack {
  readonly arn: string;

  constructor(scope: Construct, id: string, deployment: string, props: StackProps) {
    super(scope, id, props);
    const managedPolicyName = boundaryName(deployment);
    new ManagedPolicy(this, 'Boundary', {
      managedPolicyName,
      description: 'The most that a role of Chatelaine can do. It gives nothing by itself.',
      statements: [new PolicyStatement({ actions: [...boundaryActions], resources: ['*'] })],
    });
    // By name: a reference would be one more value between stacks for each of them.
    this.arn = this.formatArn({ service: 'iam', region: '', resource: 'policy', resourceName: managedPolicyName });
  }
}
