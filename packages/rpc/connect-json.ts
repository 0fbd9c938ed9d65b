import { createRegistry, type JsonValue, toJson } from '@bufbuild/protobuf';
import { base64Encode } from '@bufbuild/protobuf/wire';
import { anyUnpack } from '@bufbuild/protobuf/wkt';
import { CodeSchema } from '@realchat/gen/google/rpc/code';
import { file_google_rpc_error_details } from '@realchat/gen/google/rpc/error_details';
import type { RpcError } from './rpc-error.ts';

const DETAILS = createRegistry(file_google_rpc_error_details);

/** A refusal as the Connect protocol writes it in JSON. */
export interface ConnectJson {
  /** Such as `invalid_argument`. */
  code: string;
  message: string;
  /** `value` is the encoded detail in base64 without padding, `debug` the same in words. */
  details: { type: string; value: string; debug: JsonValue }[];
}

/** The body of a Connect error, for who answers without Connect's own code. */
export function toConnectJson(error: RpcError): ConnectJson {
  return {
    code: codeName(error),
    message: error.message,
    details: error.toStatus().details.map((detail) => {
      const type = detail.typeUrl.slice(detail.typeUrl.lastIndexOf('/') + 1);
      const desc = DETAILS.getMessage(type);
      const message = anyUnpack(detail, DETAILS);
      if (!desc || !message) throw new Error(`not a detail of errors: ${type}`);
      return { type, value: base64Encode(detail.value, 'std_raw'), debug: toJson(desc, message) };
    }),
  };
}

function codeName({ code }: RpcError): string {
  const name = CodeSchema.value[code]?.name.toLowerCase();
  // Connect alone spells it with one l.
  return name === 'cancelled' ? 'canceled' : (name ?? 'unknown');
}
