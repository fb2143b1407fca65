/** Clusters and HSMs: what is allowed when, as documented. */
import { X509Certificate } from 'node:crypto';
import { readSigningRequest } from '#shared/x509/signing-request.ts';
import { clusterAnswer, hsmAnswer } from './answers.ts';
import { type Cluster, type Model, minute } from './model.ts';
import { invalid, notFound, Refusal } from './refusal.ts';
import type { Request } from './requests.ts';
import { testPki } from './test-pki.ts';

export interface ClusterFaults {
  readonly zonesWithoutCapacity: ReadonlySet<string>;
  /** How long a new cluster is missing from DescribeClusters. */
  readonly invisibleMs: number;
}

const subnetsOfZones: Readonly<Record<string, string>> = {
  'subnet-0000000a': 'us-east-1a',
  'subnet-0000000b': 'us-east-1b',
  'subnet-0000000c': 'us-east-1c',
  'subnet-1000000a': 'eu-west-1a',
  'subnet-1000000b': 'eu-west-1b',
  'subnet-1000000c': 'eu-west-1c',
};
const hsmsMax = 28;

export class ClusterOperations {
  readonly #model: Model;
  readonly #faults: ClusterFaults;
  constructor(model: Model, faults: ClusterFaults) {
    this.#model = model;
    this.#faults = faults;
  }

  cluster(id: string): Cluster {
    const found = this.#model.clusters.find((cluster) => cluster.id === id && cluster.state !== 'DELETED');
    if (found === undefined) throw notFound(id);
    return found;
  }

  CreateCluster(request: Request<'CreateCluster'>) {
    const { HsmType: hsmType, Mode: mode, SubnetIds, SourceBackupId: sourceBackupId, BackupRetentionPolicy } = request;
    if (hsmType !== 'hsm2m.medium') throw invalid('Provided HsmType is not supported');
    if (mode === undefined) throw invalid('Mode is a required argument for this hsm type');
    const zones = SubnetIds.map((id) => [subnetsOfZones[id], id] as const);
    if (zones.some(([zone]) => zone?.startsWith(this.#model.region) !== true)) throw invalid('One or more subnets do not exist.');
    if (new Set(zones.map(([zone]) => zone)).size !== zones.length) throw invalid('Only one subnet may be given for each Availability Zone.');
    if (sourceBackupId !== undefined) this.#checkBackup(sourceBackupId, mode);
    const retentionDays = retention(BackupRetentionPolicy);
    const cluster = this.#model.addCluster({ hsmType, mode, subnets: Object.fromEntries(zones), sourceBackupId, retentionDays });
    for (const { Key, Value } of request.TagList ?? []) cluster.tags.set(Key, Value);
    return { Cluster: clusterAnswer(this.#model, cluster) };
  }

  #checkBackup(id: string, mode: string): void {
    const backup = this.#model.backups.find((each) => each.id === id && each.state !== 'DELETED');
    if (backup === undefined) throw notFound(id);
    if (backup.state !== 'READY') throw invalid(`The backup ${id} is in state ${backup.state}.`);
    if (backup.mode !== mode) throw invalid('The mode of the cluster must be the mode of the backup.');
  }

  CreateHsm({ ClusterId, AvailabilityZone: zone, IpAddress }: Request<'CreateHsm'>) {
    const cluster = this.cluster(ClusterId);
    const there = cluster.hsms.filter(({ state }) => state !== 'DELETED');
    if (!['UNINITIALIZED', 'INITIALIZED', 'ACTIVE'].includes(cluster.state)) throw invalid(`The cluster is in state ${cluster.state}. An HSM cannot be created now.`);
    if (cluster.state !== 'ACTIVE' && there.length > 0) throw invalid('The cluster already contains an HSM but has not yet been fully activated.');
    if (cluster.subnets[zone] === undefined) throw invalid(`The cluster has no subnet in ${zone}.`);
    if (there.length >= hsmsMax) throw new Refusal('CloudHsmResourceLimitExceededException', 'The cluster holds as many HSMs as it may.');
    if (this.#faults.zonesWithoutCapacity.has(zone)) throw new Refusal('CloudHsmInternalFailureException', `There is no capacity in ${zone}.`, 500);
    return { Hsm: hsmAnswer(cluster, this.#model.addHsm(cluster, zone, IpAddress)) };
  }

  InitializeCluster({ ClusterId, SignedCert, TrustAnchor }: Request<'InitializeCluster'>) {
    const cluster = this.cluster(ClusterId);
    if (cluster.state !== 'UNINITIALIZED') throw invalid(`The cluster is in state ${cluster.state}.`);
    if (!cluster.hsms.some(({ state }) => state === 'ACTIVE')) throw invalid('The cluster has no HSM.');
    const anchor = certificate(TrustAnchor, 'TrustAnchor');
    const signed = certificate(SignedCert, 'SignedCert');
    if (!anchor.ca || !anchor.verify(anchor.publicKey)) throw invalid('TrustAnchor is not a self-signed root.');
    if (![2048, 4096].includes(anchor.publicKey.asymmetricKeyDetails?.modulusLength ?? 0)) throw invalid('TrustAnchor must have an RSA key of 2048 or 4096 bits.');
    if (!signed.verify(anchor.publicKey)) throw invalid('SignedCert is not signed by TrustAnchor.');
    if (!signed.publicKey.equals(readSigningRequest(testPki().shown.signingRequest).publicKey)) throw invalid('SignedCert is not for the ClusterCsr.');
    this.#model.initialise(cluster, SignedCert, TrustAnchor);
    return { State: cluster.state, StateMessage: 'Cluster is initializing. State will change to INITIALIZED upon completion.' };
  }

  ModifyCluster({ ClusterId, HsmType, BackupRetentionPolicy }: Request<'ModifyCluster'>) {
    const cluster = this.cluster(ClusterId);
    if (HsmType !== undefined && HsmType !== cluster.hsmType) throw invalid(`A cluster of ${cluster.hsmType} cannot become one of ${HsmType}.`);
    cluster.retentionDays = retention(BackupRetentionPolicy);
    return { Cluster: clusterAnswer(this.#model, cluster) };
  }

  DeleteHsm({ ClusterId, HsmId, EniId, EniIp }: Request<'DeleteHsm'>) {
    if ([HsmId, EniId, EniIp].filter((each) => each !== undefined).length !== 1) throw invalid('Exactly one of HsmId, EniId and EniIp names the HSM.');
    const hsm = this.cluster(ClusterId).hsms.find(({ id, ip, state }) => state !== 'DELETED' && (id === HsmId || ip === EniIp));
    if (hsm === undefined) throw notFound(HsmId ?? EniIp ?? EniId ?? '');
    this.#model.remove(hsm);
    return { HsmId: hsm.id };
  }

  DeleteCluster({ ClusterId }: Request<'DeleteCluster'>) {
    const cluster = this.cluster(ClusterId);
    if (cluster.hsms.some(({ state }) => state !== 'DELETED')) throw invalid('The cluster contains HSMs. You must delete all HSMs first.');
    this.#model.remove(cluster);
    return { Cluster: clusterAnswer(this.#model, cluster) };
  }

  DescribeClusters(request: Request<'DescribeClusters'>) {
    const { clusterIds, vpcIds, states, ...others } = request.Filters ?? {};
    if (Object.keys(others).length > 0) throw invalid(`Unknown filter ${Object.keys(others).join(', ')}.`);
    const now = this.#model.clock.now();
    const found = this.#model.clusters.filter(
      ({ id, state, createdAt }) =>
        (state !== 'DELETED' || states?.includes('DELETED')) &&
        now - createdAt >= this.#faults.invisibleMs &&
        clusterIds?.includes(id) !== false &&
        vpcIds?.includes('vpc-0123456789abcdef0') !== false &&
        states?.includes(state) !== false,
    );
    const { items, NextToken } = paged(found, request, 25);
    return { Clusters: items.map((cluster) => clusterAnswer(this.#model, cluster)), ...(NextToken === undefined ? {} : { NextToken }) };
  }

  /** What `cluster activate` of the CloudHSM client does. The control plane shows it later. */
  activate(clusterId: string, password: string, lagMs = 2 * minute): void {
    const cluster = this.cluster(clusterId);
    if (cluster.state !== 'INITIALIZED' || cluster.adminPassword !== undefined) return;
    Object.assign(cluster, { adminPassword: password, due: { at: this.#model.clock.now() + lagMs, state: 'ACTIVE' } });
    for (const hsm of cluster.hsms) hsm.users.add('admin');
    this.#model.addBackup(cluster, this.#model.clock.now());
  }

  /** What `user create` does: on the HSMs that are there, and never on those that are joining. */
  createUser(clusterId: string, username: string): void {
    for (const hsm of this.cluster(clusterId).hsms.filter(({ state }) => state === 'ACTIVE')) hsm.users.add(username);
  }
}

export function paged<T>(all: readonly T[], { NextToken, MaxResults }: { readonly NextToken?: string | undefined; readonly MaxResults?: number | undefined }, most: number) {
  const from = NextToken === undefined ? 0 : Number(Buffer.from(NextToken, 'base64').toString());
  if (!Number.isInteger(from) || from < 0 || from > all.length) throw invalid('The NextToken is not valid.');
  const to = from + (MaxResults ?? most);
  return { items: all.slice(from, to), NextToken: to < all.length ? Buffer.from(String(to)).toString('base64') : undefined };
}

function retention(policy: { readonly Value?: string | undefined } | undefined): number {
  const days = Number(policy?.Value ?? 90);
  if (days < 7 || days > 379) throw invalid('A backup is kept for 7 to 379 days.');
  return days;
}

function certificate(pem: string, name: string): X509Certificate {
  if (pem.length > 5000) throw invalid(`${name} is longer than 5000 characters.`);
  try {
    return new X509Certificate(pem);
  } catch {
    throw invalid(`${name} is not a certificate in PEM.`);
  }
}
