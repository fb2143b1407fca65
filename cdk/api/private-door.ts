/** The endpoint of the deployment's own VPC for a private API. */
import { Stack } from 'aws-cdk-lib';
import { InterfaceVpcEndpoint, InterfaceVpcEndpointAwsService, type IVpc, Peer, Port, SecurityGroup } from 'aws-cdk-lib/aws-ec2';
import { AnyPrincipal, PolicyStatement } from 'aws-cdk-lib/aws-iam';
import type { Construct } from 'constructs';

export function privateDoor(scope: Construct, vpc: IVpc, callersCidr: string): InterfaceVpcEndpoint {
  const securityGroup = new SecurityGroup(scope, 'DoorGroup', { vpc, description: 'The door to the private API.', allowAllOutbound: false, disableInlineRules: true });
  securityGroup.addIngressRule(Peer.ipv4(callersCidr), Port.tcp(443), 'Callers in the VPC');
  const door = new InterfaceVpcEndpoint(scope, 'Door', {
    vpc,
    service: InterfaceVpcEndpointAwsService.APIGATEWAY,
    privateDnsEnabled: true,
    open: false,
    securityGroups: [securityGroup],
  });
  // Not to one API by its id: the policy of the API names this door, and CloudFormation cannot make both first.
  const apis = Stack.of(scope).formatArn({ service: 'execute-api', resource: '*' });
  door.addToPolicy(new PolicyStatement({ principals: [new AnyPrincipal()], actions: ['execute-api:Invoke'], resources: [apis] }));
  return door;
}
