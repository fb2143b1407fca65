import { expect, test } from 'vitest';
import { Requests, requestOf } from '#bridge/server/requests.ts';
import { bridgeOperations } from '#shared/bridge-messages.ts';
import { decodeFrame, encodeFrame } from '#shared/bridge-protocol.ts';
import { wrapMechanisms } from '#shared/keys/material.ts';

const named = { account: '111122223333', region: 'eu-central-1', keyId: '11111111-2222-4333-8444-555555555555', version: 1 };
const material = {
  ...named,
  format: 1,
  keySpec: 'SYMMETRIC_DEFAULT',
  keyUsage: 'ENCRYPT_DECRYPT',
  origin: 'AWS_KMS',
  protection: 'HSM',
  epoch: 1,
  wrapMechanism: wrapMechanisms[0],
  createdAt: 1,
  wrapped: 'AAAA',
  tag: 'AAAA',
};

const key = { binding: named, material };
const side = { key, algorithm: 'SYMMETRIC_DEFAULT' };
const encrypting = (aad: string, plaintext: string, member = side) => encodeFrame({ side: member, aad: Buffer.from(aad), plaintext: Buffer.from(plaintext) });

test('a remembered head gives what the schema gives, with the bytes of its own frame', () => {
  const requests = new Requests();
  requests.parse('encrypt', encrypting('first', 'plain one'));
  const frame = encrypting('other', 'plain two');

  const request = requests.parse('encrypt', frame);

  expect(request).toEqual(requestOf(bridgeOperations.encrypt, decodeFrame(frame)));
});

test('what many calls share cannot be changed by one of them', () => {
  const requests = new Requests();
  requests.parse('encrypt', encrypting('a', 'b'));

  const request = requests.parse('encrypt', encrypting('a', 'b')) as { side: { key: { binding: { keyId: string } } } };

  expect(() => {
    request.side.key.binding.keyId = 'another';
  }).toThrow(TypeError);
});

test('a remembered head is worth nothing for another operation', () => {
  const requests = new Requests();
  const frame = encrypting('a', 'b');
  requests.parse('encrypt', frame);

  expect(() => requests.parse('decrypt', frame)).toThrow(/iv/);
});

test.each([
  ['longer', (frame: Buffer) => Buffer.concat([frame, Buffer.of(1)])],
  ['shorter', (frame: Buffer) => frame.subarray(0, -1)],
])('a frame that is %s than its remembered head says is refused', (_, change) => {
  const requests = new Requests();
  const frame = encrypting('a', 'plaintext');
  requests.parse('encrypt', frame);

  expect(() => requests.parse('encrypt', change(frame))).toThrow('the body is not a frame');
});

test('a head that was refused is refused again', () => {
  const requests = new Requests();
  const frame = encrypting('a', '');

  for (let i = 0; i < 2; i++) expect(() => requests.parse('encrypt', frame)).toThrow(/plaintext/);
});

test('any number of heads is parsed, and the first again after all others', () => {
  const requests = new Requests();
  const frames = Array.from({ length: 2_500 }, (_, at) => encrypting('a', 'b', { ...side, key: { ...key, binding: { ...named, version: at + 1 } } }));
  for (const frame of frames) requests.parse('encrypt', frame);

  expect(requests.parse('encrypt', frames[0]!)).toMatchObject({ side: { key: { binding: { version: 1 } } } });
});
