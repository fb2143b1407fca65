import * as z from 'zod';
import { KmsError } from '#shared/errors.ts';
import type { Tag } from '#shared/keys/key-record.ts';

export const tagKey = () => z.string().min(1).max(128);
export const tagList = () => z.array(z.object({ TagKey: tagKey(), TagValue: z.string().max(256).meta({ sensitive: true }) })).max(200);

export const tagsMax = 50;

/** @throws KmsError TagException, with AWS's texts */
export function checkTags(tags: readonly Tag[]): void {
  if (new Set(tags.map((tag) => tag.TagKey)).size !== tags.length) throw new KmsError('TagException', 'Duplicate tag keys');
  if (tags.some((tag) => /^aws:/i.test(tag.TagKey))) throw new KmsError('TagException', 'Tags beginning with aws: are reserved');
  if (tags.length > tagsMax) throw new KmsError('TagException', 'Too many tags');
}
