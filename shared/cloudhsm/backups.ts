/**
 * The guardian of backups. CloudHSM makes them daily and lets them go after their retention; this copies them to a second Region, keeps one of every month
 * for good, and says how old the newest is. One change at a time, and never a deletion.
 */

export interface GuardedBackup {
  readonly id: string;
  readonly state: 'CREATE_IN_PROGRESS' | 'READY' | 'DELETED' | 'PENDING_DELETION';
  /** Milliseconds; a copy is as old as what it was copied from. */
  readonly createdAt: number;
  readonly neverExpires: boolean;
  /** The backup that it is a copy of. */
  readonly sourceBackupId: string | undefined;
}

export interface GuardedBackups {
  readonly now: number;
  /** Of the cluster, in its own Region. */
  readonly home: readonly GuardedBackup[];
  /** Of the cluster, in the second Region; absent when there is none. */
  readonly second?: readonly GuardedBackup[] | undefined;
}

export type BackupAction = { readonly kind: 'copy'; readonly backupId: string } | { readonly kind: 'keep'; readonly backupId: string; readonly where: 'home' | 'second' };

export interface BackupFindings {
  /** Absent: there is no usable backup. */
  readonly newestAgeHours?: number | undefined;
  readonly newestCopyAgeHours?: number | undefined;
  /** Backups that somebody has asked to delete. They can be taken back for seven days. */
  readonly beingDeleted: readonly string[];
}

const hourMs = 3_600_000;
/** A day, and two hours for the backup itself. */
export const backupAgeHoursMax = 26;
/** How much older the newest copy may be: it is made by the next run after the backup is ready. */
export const copyDelayHours = 4;

const isReady = ({ state }: GuardedBackup): boolean => state === 'READY';

export function newestFirst<T extends Pick<GuardedBackup, 'createdAt'>>(backups: readonly T[]): T[] {
  return backups.toSorted((a, b) => b.createdAt - a.createdAt);
}

export function backupFindings({ now, home, second = [] }: GuardedBackups): BackupFindings {
  const age = (backups: readonly GuardedBackup[]) => {
    const [newest] = newestFirst(backups.filter(isReady));
    return newest === undefined ? undefined : (now - newest.createdAt) / hourMs;
  };
  const beingDeleted = [...home, ...second].filter(({ state }) => state === 'PENDING_DELETION').map(({ id }) => id);
  return { newestAgeHours: age(home), newestCopyAgeHours: age(second), beingDeleted };
}

export function nextBackupAction({ now, home, second }: GuardedBackups): BackupAction | undefined {
  const [newest] = newestFirst(home.filter(isReady));
  if (newest !== undefined && second !== undefined && !second.some((copy) => copy.sourceBackupId === newest.id && copy.state !== 'DELETED'))
    return { kind: 'copy', backupId: newest.id };
  const atHome = monthly(home, now);
  if (atHome !== undefined) return { kind: 'keep', backupId: atHome, where: 'home' };
  const abroad = monthly(second ?? [], now);
  return abroad === undefined ? undefined : { kind: 'keep', backupId: abroad, where: 'second' };
}

/** The first usable backup of the month (UTC) is kept, if none of the month is yet. */
function monthly(backups: readonly GuardedBackup[], now: number): string | undefined {
  const ofMonth = backups.filter((backup) => isReady(backup) && monthOf(backup.createdAt) === monthOf(now));
  return ofMonth.some(({ neverExpires }) => neverExpires) ? undefined : newestFirst(ofMonth).at(-1)?.id;
}

const monthOf = (at: number): string => new Date(at).toISOString().slice(0, 7);
