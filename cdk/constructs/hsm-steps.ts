/**
 * The way of a cluster to its end as custom resources, one after the other: CloudFormation waits for each at most an hour, and an HSM alone can take half of
 * that. Each polls the same function, which makes one step per poll.
 */
import { CustomResource, Duration } from 'aws-cdk-lib';
import type { IFunction } from 'aws-cdk-lib/aws-lambda';
import type { ILogGroup } from 'aws-cdk-lib/aws-logs';
import { LogLevel } from 'aws-cdk-lib/aws-stepfunctions';
import { Provider } from 'aws-cdk-lib/custom-resources';
import { Construct } from 'constructs';
import type { Phase } from '#shared/cloudhsm/observation.ts';

export interface HsmStepsProps {
  readonly onEvent: IFunction;
  readonly isComplete: IFunction;
  readonly logGroup: ILogGroup;
}

export class HsmSteps extends Construct {
  readonly #provider: Provider;
  #last: CustomResource | undefined;

  constructor(scope: Construct, id: string, { onEvent, isComplete, logGroup }: HsmStepsProps) {
    super(scope, id);
    this.#provider = new Provider(this, 'Provider', {
      onEventHandler: onEvent,
      isCompleteHandler: isComplete,
      queryInterval: Duration.seconds(20),
      // The most that CloudFormation allows.
      totalTimeout: Duration.hours(1),
      logGroup,
      waiterStateMachineLogOptions: { destination: logGroup, level: LogLevel.ALL, includeExecutionData: false },
    });
  }

  /**
   * After all steps so far. Its attributes are ClusterId, SecurityGroupId and Status.
   * @param epoch of the domain keys: another one makes CloudFormation take the step again
   */
  add(phase: Phase, { hsms, epoch }: { readonly hsms?: number; readonly epoch?: number | undefined } = {}): CustomResource {
    const step = new CustomResource(this, [phase, ...(hsms === undefined ? [] : [hsms])].join('-'), {
      serviceToken: this.#provider.serviceToken,
      resourceType: 'Custom::ChatelaineHsmStep',
      properties: { Phase: phase, ...(hsms === undefined ? {} : { Hsms: String(hsms) }), ...(epoch === undefined ? {} : { Epoch: String(epoch) }) },
    });
    if (this.#last !== undefined) step.node.addDependency(this.#last);
    this.#last = step;
    return step;
  }
}
