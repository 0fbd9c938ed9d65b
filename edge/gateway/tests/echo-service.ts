import { create, createFileRegistry, type Message } from '@bufbuild/protobuf';
import type { GenMessage, GenService } from '@bufbuild/protobuf/codegenv2';
import {
  FileDescriptorProtoSchema,
  FileDescriptorSetSchema,
  FieldDescriptorProto_Label as Label,
  FieldDescriptorProto_Type as Type,
} from '@bufbuild/protobuf/wkt';

/** What the echo service takes and gives. */
export type Echo = Message<'realchat.test.v1.Echo'> & { text: string; data: Uint8Array; count: number };

type Kind<K extends string> = { methodKind: K; input: GenMessage<Echo>; output: GenMessage<Echo> };

const echo = '.realchat.test.v1.Echo';
const field = (name: string, number: number, type: Type) => ({
  name,
  number,
  type,
  label: Label.OPTIONAL,
  jsonName: name,
});
const method = (name: string, clientStreaming: boolean, serverStreaming: boolean) => ({
  name,
  inputType: echo,
  outputType: echo,
  clientStreaming,
  serverStreaming,
});

const file = create(FileDescriptorProtoSchema, {
  name: 'realchat/test/v1/echo_service.proto',
  package: 'realchat.test.v1',
  syntax: 'proto3',
  messageType: [
    {
      name: 'Echo',
      field: [field('text', 1, Type.STRING), field('data', 2, Type.BYTES), field('count', 3, Type.INT32)],
    },
  ],
  service: [
    {
      name: 'EchoService',
      method: [
        method('Unary', false, false),
        method('ClientStream', true, false),
        method('ServerStream', false, true),
        method('Bidi', true, true),
        method('Unread', true, true),
      ],
    },
  ],
});

const registry = createFileRegistry(create(FileDescriptorSetSchema, { file: [file] }));

export const EchoSchema = registry.getMessage('realchat.test.v1.Echo') as GenMessage<Echo>;

/** A service with a method of each kind, which the contract does not have. */
export const EchoService = registry.getService('realchat.test.v1.EchoService') as unknown as GenService<{
  unary: Kind<'unary'>;
  clientStream: Kind<'client_streaming'>;
  serverStream: Kind<'server_streaming'>;
  bidi: Kind<'bidi_streaming'>;
  unread: Kind<'bidi_streaming'>;
}>;
