/** CIDR blocks of IPv4 and IPv6 (RFC 4632, RFC 4291), parsed once. IPv4 in IPv6's mapped form counts as IPv4. */
export interface IpNetwork {
  contains(address: Uint8Array): boolean;
}

/** 4 or 16 bytes; undefined for what is no address. */
export function parseIp(text: string): Uint8Array | undefined {
  if (!text.includes(':')) return parseIpv4(text);
  const bytes = parseIpv6(text);
  if (bytes === undefined) return undefined;
  const isMapped = bytes.subarray(0, 10).every((byte) => byte === 0) && bytes[10] === 0xff && bytes[11] === 0xff;
  return isMapped ? bytes.subarray(12) : bytes;
}

/** An address, or an address and a prefix length. Undefined for anything else. */
export function parseNetwork(text: string): IpNetwork | undefined {
  const match = /^([0-9a-fA-F.:]+)(?:\/([0-9]{1,3}))?$/.exec(text);
  const network = match === null ? undefined : parseIp(match[1]!);
  if (match === null || network === undefined) return undefined;
  const bits = match[2] === undefined ? network.length * 8 : Number(match[2]);
  if (bits > network.length * 8) return undefined;
  const wholeBytes = bits >> 3;
  const mask = 0xff00 >> (bits & 7);
  return {
    contains(address) {
      if (address.length !== network.length) return false;
      for (let at = 0; at < wholeBytes; at += 1) if (address[at] !== network[at]) return false;
      return (bits & 7) === 0 || ((address[wholeBytes]! ^ network[wholeBytes]!) & mask & 0xff) === 0;
    },
  };
}

function parseIpv4(text: string): Uint8Array | undefined {
  const parts = text.split('.');
  if (parts.length !== 4 || !parts.every((part) => /^(?:0|[1-9][0-9]{0,2})$/.test(part) && Number(part) <= 255)) return undefined;
  return Uint8Array.from(parts, Number);
}

function parseIpv6(text: string): Uint8Array | undefined {
  const lastColon = text.lastIndexOf(':');
  const embedded = text.includes('.') ? parseIpv4(text.slice(lastColon + 1)) : undefined;
  if (text.includes('.') && embedded === undefined) return undefined;
  const tail = embedded === undefined ? [] : [((embedded[0]! << 8) | embedded[1]!).toString(16), ((embedded[2]! << 8) | embedded[3]!).toString(16)];
  const whole = embedded === undefined ? text : `${text.slice(0, lastColon + 1)}${tail.join(':')}`;
  const halves = whole.split('::');
  if (halves.length > 2) return undefined;
  const [left = [], right = []] = halves.map((half) => (half === '' ? [] : half.split(':')));
  const missing = 8 - left.length - right.length;
  if (halves.length === 2 ? missing < 1 : missing !== 0) return undefined;
  const groups = [...left, ...Array.from({ length: missing }, () => '0'), ...right];
  if (!groups.every((group) => /^[0-9a-fA-F]{1,4}$/.test(group))) return undefined;
  return Uint8Array.from(groups.flatMap((group) => [Number.parseInt(group, 16) >> 8, Number.parseInt(group, 16) & 0xff]));
}
