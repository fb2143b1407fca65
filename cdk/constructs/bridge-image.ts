/** How the bridge's image is run, by the bridge itself and by the task that administers its HSM: as nobody, with a root that nothing writes to. */
import { Repository } from 'aws-cdk-lib/aws-ecr';
import { Capability, type ContainerDefinition, ContainerImage, LinuxParameters } from 'aws-cdk-lib/aws-ecs';
import type { Construct } from 'constructs';
import type { ImageConfig } from '../config/image-config.ts';

export const workFolder = '/run/chatelaine';
/** What the image may write to; it owns them (hsm-bridge/image/Dockerfile). */
export const writable = { work: workFolder, client: '/opt/cloudhsm/etc', 'client-run': '/opt/cloudhsm/run' } as const;
/** The user of the image. */
export const imageUser = '10001:10001';

export const imageVolumes = Object.keys(writable).map((name) => ({ name }));

export const mountVolumes = (container: ContainerDefinition): void =>
  container.addMountPoints(...Object.entries(writable).map(([sourceVolume, containerPath]) => ({ sourceVolume, containerPath, readOnly: false })));

export const imageOf = (scope: Construct, { repository, digest }: ImageConfig): ContainerImage =>
  ContainerImage.fromEcrRepository(Repository.fromRepositoryName(scope, 'Repository', repository), digest);

export function hardened(scope: Construct) {
  const linuxParameters = new LinuxParameters(scope, 'Linux', { initProcessEnabled: true });
  linuxParameters.dropCapabilities(Capability.ALL);
  return { user: imageUser, privileged: false, readonlyRootFilesystem: true, linuxParameters };
}
