import { createHash, createHmac, hkdfSync, randomBytes, timingSafeEqual } from 'node:crypto';

/**
 * A refresh token is three parts, base64url together: the session's id (16 bytes), a secret (32), and a tag (16) that only
 * this deployment can have made. The session keeps the SHA-256 of the token in force and of the one before it, no more.
 * The tag tells a token that was spent long ago from one that somebody made up, without keeping every spent one; and a
 * secret follows from the one before it, so that a lost answer can be given again although no token is stored.
 */
export interface RefreshToken {
  sessionId: string;
  /** As the client has it. */
  text: string;
  /** SHA-256, as it is stored. */
  hash: Buffer;
  secret: Buffer;
  /** True when this deployment made it, for this session. */
  genuine: boolean;
}

const ID_BYTES = 16;
const SECRET_BYTES = 32;
const TAG_BYTES = 16;
const LENGTH = Math.ceil(((ID_BYTES + SECRET_BYTES + TAG_BYTES) * 4) / 3);

/** Makes, follows and reads refresh tokens. */
export interface RefreshTokens {
  /** The first token of a session: 256 random bits. */
  first(sessionId: string): RefreshToken;
  /** The one token that may follow; always the same. */
  successorOf(token: RefreshToken): RefreshToken;
  /** Undefined for what cannot be a token at all. */
  read(text: string): RefreshToken | undefined;
}

/** Another server secret makes other tags and successors; tokens in force go on working. */
export function createRefreshTokens(serverSecret: string): RefreshTokens {
  const keyFor = (purpose: string) => Buffer.from(hkdfSync('sha256', serverSecret, '', purpose, 32));
  const tagKey = keyFor('realchat/auth/refresh-token/tag');
  const successorKey = keyFor('realchat/auth/refresh-token/successor');

  const tagOf = (body: Buffer) => createHmac('sha256', tagKey).update(body).digest().subarray(0, TAG_BYTES);

  const make = (sessionId: string, secret: Buffer): RefreshToken => {
    const body = Buffer.concat([uuidToBytes(sessionId), secret]);
    const text = Buffer.concat([body, tagOf(body)]).toString('base64url');
    return { sessionId, text, hash: hashOf(text), secret, genuine: true };
  };

  return {
    first: (sessionId) => make(sessionId, randomBytes(SECRET_BYTES)),
    successorOf({ sessionId, secret }) {
      const next = createHmac('sha256', successorKey).update(uuidToBytes(sessionId)).update(secret).digest();
      return make(sessionId, next);
    },
    read(text) {
      if (text.length !== LENGTH) return undefined;
      const bytes = Buffer.from(text, 'base64url');
      // Characters that are not base64url, and bits that no encoder leaves set, would give one token several spellings.
      if (bytes.toString('base64url') !== text) return undefined;
      const body = bytes.subarray(0, ID_BYTES + SECRET_BYTES);
      return {
        sessionId: bytesToUuid(bytes.subarray(0, ID_BYTES)),
        text,
        hash: hashOf(text),
        secret: body.subarray(ID_BYTES),
        genuine: timingSafeEqual(bytes.subarray(body.length), tagOf(body)),
      };
    },
  };
}

function hashOf(text: string): Buffer {
  return createHash('sha256').update(text).digest();
}

function uuidToBytes(uuid: string): Buffer {
  return Buffer.from(uuid.replaceAll('-', ''), 'hex');
}

function bytesToUuid(bytes: Buffer): string {
  const hex = bytes.toString('hex');
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join('-');
}
