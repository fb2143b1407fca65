/** What the control plane holds, and how it changes with time alone. Times are those that were measured or reported (docs/cloudhsm.md). */
import type { ClusterState, HsmState } from '#shared/cloudhsm/observation.ts';
import { testPki } from './test-pki.ts';
import type { VirtualClock } from './virtual-clock.ts';

export const minute = 60_000;
export const day = 24 * 60 * minute;
const durations = { cluster: 5 * minute, hsm: 7 * minute, initialise: 2 * minute, remove: 2 * minute, backup: 10 * minute };

interface Due<State> {
  readonly at: number;
  readonly state: State;
}
export interface Hsm {
  readonly id: string;
  readonly zone: string;
  readonly ip: string;
  state: HsmState;
  due?: Due<HsmState> | undefined;
  /** Joining HSMs get the users of the moment they began to join; later ones never reach them. */
  readonly users: Set<string>;
}
export interface Cluster {
  readonly id: string;
  readonly createdAt: number;
  readonly hsmType: string;
  readonly mode: string;
  readonly subnets: Readonly<Record<string, string>>;
  readonly sourceBackupId?: string | undefined;
  state: ClusterState;
  due?: Due<ClusterState> | undefined;
  retentionDays: number;
  readonly hsms: Hsm[];
  readonly tags: Map<string, string>;
  certificate?: string;
  trustAnchor?: string;
  adminPassword?: string;
  lastBackupAt?: number;
}
export interface Backup {
  readonly id: string;
  readonly clusterId: string;
  readonly createdAt: number;
  readonly hsmType: string;
  readonly mode: string;
  readonly users: readonly string[];
  readonly source?: { readonly region: string; readonly backupId: string; readonly clusterId: string };
  state: 'CREATE_IN_PROGRESS' | 'READY' | 'DELETED' | 'PENDING_DELETION';
  due?: Due<'READY' | 'DELETED'> | undefined;
  neverExpires: boolean;
  retentionDays: number;
  readonly tags: Map<string, string>;
}

export class Model {
  readonly region: string;
  readonly clock: VirtualClock;
  readonly clusters: Cluster[] = [];
  readonly backups: Backup[] = [];
  readonly policies = new Map<string, string>();
  #count = 0;

  constructor(clock: VirtualClock, region: string) {
    this.clock = clock;
    this.region = region;
  }

  /** Ids are of base 32 digits, as AWS's. */
  id(kind: 'cluster' | 'hsm' | 'backup'): string {
    this.#count += 1;
    const region = this.region.replaceAll(/[^a-z2-7]/g, '').slice(0, 6);
    return `${kind}-${(region + this.#count.toString(6).padStart(11, '0')).slice(-11).replaceAll(/[01]/g, (digit) => (digit === '0' ? 'a' : 'b'))}`;
  }

  /** Lets everything happen that is due by now. */
  settle(): void {
    const now = this.clock.now();
    for (const cluster of this.clusters) {
      for (const hsm of cluster.hsms) this.#settleHsm(cluster, hsm, now);
      if (cluster.due !== undefined && cluster.due.at <= now) {
        cluster.state = cluster.due.state;
        cluster.due = undefined;
      }
      this.#dailyBackups(cluster, now);
    }
    for (const backup of this.backups) {
      if (backup.due !== undefined && backup.due.at <= now) {
        backup.state = backup.due.state;
        backup.due = undefined;
      }
      const expired = backup.state === 'READY' && !backup.neverExpires && now - backup.createdAt > backup.retentionDays * day;
      // The last backup of a cluster never goes by itself.
      if (expired && this.backups.some((other) => other !== backup && other.clusterId === backup.clusterId && other.state === 'READY')) backup.state = 'DELETED';
    }
  }

  #settleHsm(cluster: Cluster, hsm: Hsm, now: number): void {
    if (hsm.due === undefined || hsm.due.at > now) return;
    const { at, state } = hsm.due;
    hsm.state = state;
    hsm.due = undefined;
    if (cluster.state === 'UPDATE_IN_PROGRESS') cluster.state = 'ACTIVE';
    if (cluster.state === 'ACTIVE' && (state === 'ACTIVE' || state === 'DELETED')) this.addBackup(cluster, at);
  }

  #dailyBackups(cluster: Cluster, now: number): void {
    const hasHsm = cluster.hsms.some(({ state }) => state === 'ACTIVE');
    if (cluster.state !== 'ACTIVE' || !hasHsm || cluster.lastBackupAt === undefined) return;
    while (now - cluster.lastBackupAt >= day) this.addBackup(cluster, cluster.lastBackupAt + day);
  }

  addCluster(fields: Pick<Cluster, 'hsmType' | 'mode' | 'subnets' | 'sourceBackupId' | 'retentionDays'>): Cluster {
    const now = this.clock.now();
    const due: Due<ClusterState> = { at: now + durations.cluster, state: fields.sourceBackupId === undefined ? 'UNINITIALIZED' : 'ACTIVE' };
    const cluster: Cluster = { ...fields, id: this.id('cluster'), createdAt: now, state: 'CREATE_IN_PROGRESS', due, hsms: [], tags: new Map() };
    this.clusters.push(cluster);
    return cluster;
  }

  addHsm(cluster: Cluster, zone: string, ip = `10.71.0.${10 + cluster.hsms.length}`): Hsm {
    const snapshot = cluster.hsms.find(({ state }) => state === 'ACTIVE')?.users ?? this.backups.find(({ id }) => id === cluster.sourceBackupId)?.users ?? [];
    const hsm: Hsm = { id: this.id('hsm'), zone, ip, state: 'CREATE_IN_PROGRESS', due: { at: this.clock.now() + durations.hsm, state: 'ACTIVE' }, users: new Set(snapshot) };
    cluster.hsms.push(hsm);
    if (cluster.state === 'ACTIVE') cluster.state = 'UPDATE_IN_PROGRESS';
    return hsm;
  }

  initialise(cluster: Cluster, certificate: string, trustAnchor: string): void {
    Object.assign(cluster, { certificate, trustAnchor, state: 'INITIALIZE_IN_PROGRESS', due: { at: this.clock.now() + durations.initialise, state: 'INITIALIZED' } });
  }

  remove(thing: Cluster | Hsm): void {
    thing.state = 'DELETE_IN_PROGRESS';
    thing.due = { at: this.clock.now() + durations.remove, state: 'DELETED' };
  }

  addBackup(cluster: Cluster, createdAt: number): void {
    const { id: clusterId, hsmType, mode, retentionDays } = cluster;
    const users = [...(cluster.hsms.find(({ state }) => state === 'ACTIVE')?.users ?? [])];
    const due = { at: createdAt + durations.backup, state: 'READY' as const };
    this.backups.push({ id: this.id('backup'), clusterId, createdAt, hsmType, mode, users, state: 'CREATE_IN_PROGRESS', due, neverExpires: false, retentionDays, tags: new Map() });
    cluster.lastBackupAt = createdAt;
  }

  /** The certificates of the hardware are shown until the cluster is initialised; the signing request from the first HSM on. */
  certificatesOf(cluster: Cluster): Record<string, string> {
    const { shown } = testPki();
    if (cluster.certificate !== undefined) return { ClusterCertificate: cluster.certificate };
    if (cluster.sourceBackupId !== undefined || !cluster.hsms.some(({ state }) => state === 'ACTIVE' || state === 'DEGRADED')) return {};
    return {
      ClusterCsr: shown.signingRequest,
      HsmCertificate: shown.hsm,
      AwsHardwareCertificate: shown.awsHardware,
      ManufacturerHardwareCertificate: shown.manufacturerHardware,
    };
  }
}
