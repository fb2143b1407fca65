/** Backups, tags and resource policies. */
import { backupAnswer } from './answers.ts';
import { type ClusterOperations, paged } from './cluster-operations.ts';
import { type Backup, day, type Model, minute } from './model.ts';
import { invalid, notFound } from './refusal.ts';
import type { Request } from './requests.ts';

const waitingDays = 7;

export class BackupOperations {
  readonly #model: Model;
  readonly #clusters: ClusterOperations;
  /** Other Regions, by name. */
  readonly #regions: ReadonlyMap<string, Model>;
  constructor(model: Model, clusters: ClusterOperations, regions: ReadonlyMap<string, Model>) {
    this.#model = model;
    this.#clusters = clusters;
    this.#regions = regions;
  }

  #backup(id: string): Backup {
    const found = this.#model.backups.find((backup) => backup.id === id && backup.state !== 'DELETED');
    if (found === undefined) throw notFound(id);
    return found;
  }

  DescribeBackups(request: Request<'DescribeBackups'>) {
    const { backupIds, sourceBackupIds, clusterIds, states, neverExpires, ...others } = request.Filters ?? {};
    if (Object.keys(others).length > 0) throw invalid(`Unknown filter ${Object.keys(others).join(', ')}.`);
    const found = this.#model.backups
      .filter(({ state }) => state !== 'DELETED' || states?.includes('DELETED'))
      .filter(
        ({ id, clusterId, state, source }) =>
          backupIds?.includes(id) !== false &&
          clusterIds?.includes(clusterId) !== false &&
          states?.includes(state) !== false &&
          sourceBackupIds?.includes(source?.backupId ?? '') !== false,
      )
      .filter((backup) => neverExpires?.includes(String(backup.neverExpires)) !== false)
      .toSorted((a, b) => (request.SortAscending === true ? a.createdAt - b.createdAt : b.createdAt - a.createdAt));
    const { items, NextToken } = paged(found, request, 50);
    return { Backups: items.map((backup) => backupAnswer(this.#model, backup)), ...(NextToken === undefined ? {} : { NextToken }) };
  }

  CopyBackupToRegion({ BackupId, DestinationRegion, TagList }: Request<'CopyBackupToRegion'>) {
    const backup = this.#backup(BackupId);
    if (backup.state !== 'READY') throw invalid(`The backup is in state ${backup.state}.`);
    const target = this.#regions.get(DestinationRegion);
    if (target === undefined || DestinationRegion === this.#model.region) throw invalid(`${DestinationRegion} cannot be the destination.`);
    const { hsmType, mode, users, retentionDays, clusterId } = backup;
    const now = this.#model.clock.now();
    const source = { region: this.#model.region, backupId: backup.id, clusterId };
    // The copy shows the cluster that it is from, and is as old as the backup.
    target.backups.push({
      id: target.id('backup'),
      clusterId,
      createdAt: backup.createdAt,
      hsmType,
      mode,
      users,
      source,
      state: 'CREATE_IN_PROGRESS',
      due: { at: now + 20 * minute, state: 'READY' },
      neverExpires: false,
      retentionDays,
      tags: new Map(TagList?.map(({ Key, Value }) => [Key, Value])),
    });
    return { DestinationBackup: { CreateTimestamp: backup.createdAt / 1000, SourceRegion: source.region, SourceBackup: backup.id, SourceCluster: backup.clusterId } };
  }

  ModifyBackupAttributes({ BackupId, NeverExpires }: Request<'ModifyBackupAttributes'>) {
    const backup = this.#backup(BackupId);
    if (backup.state !== 'READY') throw invalid(`The backup is in state ${backup.state}.`);
    backup.neverExpires = NeverExpires;
    return { Backup: backupAnswer(this.#model, backup) };
  }

  DeleteBackup({ BackupId }: Request<'DeleteBackup'>) {
    const backup = this.#backup(BackupId);
    if (backup.state !== 'READY') throw invalid(`The backup is in state ${backup.state}.`);
    backup.state = 'PENDING_DELETION';
    backup.due = { at: this.#model.clock.now() + waitingDays * day, state: 'DELETED' };
    return { Backup: backupAnswer(this.#model, backup) };
  }

  RestoreBackup({ BackupId }: Request<'RestoreBackup'>) {
    const backup = this.#backup(BackupId);
    if (backup.state !== 'PENDING_DELETION') throw invalid(`The backup is in state ${backup.state}.`);
    backup.state = 'READY';
    backup.due = undefined;
    return { Backup: backupAnswer(this.#model, backup) };
  }

  #tags(id: string): Map<string, string> {
    return id.startsWith('backup-') ? this.#backup(id).tags : this.#clusters.cluster(id).tags;
  }

  TagResource({ ResourceId, TagList }: Request<'TagResource'>) {
    const tags = this.#tags(ResourceId);
    for (const { Key, Value } of TagList) tags.set(Key, Value);
    return {};
  }

  UntagResource({ ResourceId, TagKeyList }: Request<'UntagResource'>) {
    const tags = this.#tags(ResourceId);
    for (const key of TagKeyList) tags.delete(key);
    return {};
  }

  ListTags(request: Request<'ListTags'>) {
    const { items, NextToken } = paged([...this.#tags(request.ResourceId)], request, 50);
    return { TagList: items.map(([Key, Value]) => ({ Key, Value })), ...(NextToken === undefined ? {} : { NextToken }) };
  }

  /** Only backups have policies, and only those that a person asked for may be shared. */
  #shared(arn: string | undefined): string {
    const id = /:backup\/(backup-[2-7a-zA-Z]{11,16})$/.exec(arn ?? '')?.[1];
    if (id === undefined) throw invalid('The ResourceArn is not the ARN of a backup.');
    if (this.#backup(id).state !== 'READY') throw invalid('The backup is not READY.');
    return id;
  }

  PutResourcePolicy({ ResourceArn, Policy }: Request<'PutResourcePolicy'>) {
    if (Policy === undefined) throw invalid('A policy is needed.');
    this.#model.policies.set(this.#shared(ResourceArn), Policy);
    return { ResourceArn, Policy };
  }

  GetResourcePolicy({ ResourceArn }: Request<'GetResourcePolicy'>) {
    const Policy = this.#model.policies.get(this.#shared(ResourceArn));
    return Policy === undefined ? {} : { Policy };
  }

  DeleteResourcePolicy({ ResourceArn }: Request<'DeleteResourcePolicy'>) {
    const id = this.#shared(ResourceArn);
    const Policy = this.#model.policies.get(id);
    if (Policy === undefined) throw notFound(id);
    this.#model.policies.delete(id);
    return { ResourceArn, Policy };
  }
}
