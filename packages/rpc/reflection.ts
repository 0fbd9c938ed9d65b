import { create, type DescFile, type DescService, toBinary } from '@bufbuild/protobuf';
import { FileDescriptorProtoSchema } from '@bufbuild/protobuf/wkt';
import type * as grpc from '@grpc/grpc-js';
import { Code } from '@realchat/gen/google/rpc/code';
import {
  type ServerReflectionRequest,
  type ServerReflectionResponse,
  ServerReflectionResponseSchema,
} from '@realchat/gen/grpc/reflection/v1/reflection';

type Answer = ServerReflectionResponse['messageResponse'];

/**
 * Answers server reflection v1 from the real descriptors: each file comes with all that it imports, so that custom options
 * (the validation rules) survive.
 */
export function createReflection(
  services: DescService[],
): grpc.handleBidiStreamingCall<ServerReflectionRequest, ServerReflectionResponse> {
  const index = indexFiles(services);
  return (call) => {
    call.on('data', (request: ServerReflectionRequest) => {
      call.write(
        create(ServerReflectionResponseSchema, {
          validHost: request.host,
          originalRequest: request,
          messageResponse: answer(request, services, index),
        }),
      );
    });
    call.on('end', () => call.end());
    call.on('error', () => {});
  };
}

interface FileIndex {
  byName: Map<string, DescFile>;
  bySymbol: Map<string, DescFile>;
  byExtension: Map<string, DescFile>;
  extensionNumbers: Map<string, number[]>;
}

function answer(request: ServerReflectionRequest, services: DescService[], index: FileIndex): Answer {
  const { messageRequest: query } = request;
  switch (query.case) {
    case 'listServices':
      return listing(services);
    case 'fileByFilename':
      return files(index.byName.get(query.value), query.value);
    case 'fileContainingSymbol':
      return files(index.bySymbol.get(query.value), query.value);
    case 'fileContainingExtension': {
      const name = `${query.value.containingType}/${query.value.extensionNumber}`;
      return files(index.byExtension.get(name), name);
    }
    case 'allExtensionNumbersOfType':
      return extensionNumbers(index, query.value);
    default:
      return failure(Code.INVALID_ARGUMENT, 'the request asks for nothing');
  }
}

function listing(services: DescService[]): Answer {
  const response = create(ServerReflectionResponseSchema, {
    messageResponse: { case: 'listServicesResponse', value: { service: services.map((s) => ({ name: s.typeName })) } },
  });
  return response.messageResponse;
}

function files(file: DescFile | undefined, asked: string): Answer {
  if (!file) return failure(Code.NOT_FOUND, `not found: ${asked}`);
  const bytes = [...closure(file)].map((each) => toBinary(FileDescriptorProtoSchema, each.proto));
  const response = create(ServerReflectionResponseSchema, {
    messageResponse: { case: 'fileDescriptorResponse', value: { fileDescriptorProto: bytes } },
  });
  return response.messageResponse;
}

function extensionNumbers(index: FileIndex, type: string): Answer {
  if (!index.bySymbol.has(type)) return failure(Code.NOT_FOUND, `not found: ${type}`);
  const response = create(ServerReflectionResponseSchema, {
    messageResponse: {
      case: 'allExtensionNumbersResponse',
      value: { baseTypeName: type, extensionNumber: index.extensionNumbers.get(type) ?? [] },
    },
  });
  return response.messageResponse;
}

function failure(code: Code, message: string): Answer {
  const response = create(ServerReflectionResponseSchema, {
    messageResponse: { case: 'errorResponse', value: { errorCode: code, errorMessage: message } },
  });
  return response.messageResponse;
}

function closure(file: DescFile, seen = new Set<DescFile>()): Set<DescFile> {
  if (seen.has(file)) return seen;
  seen.add(file);
  for (const dependency of file.dependencies) closure(dependency, seen);
  return seen;
}

function indexFiles(services: DescService[]): FileIndex {
  const index: FileIndex = {
    byName: new Map(),
    bySymbol: new Map(),
    byExtension: new Map(),
    extensionNumbers: new Map(),
  };
  const all = new Set<DescFile>();
  for (const service of services) closure(service.file, all);
  for (const file of all) {
    index.byName.set(file.proto.name, file);
    for (const symbol of symbolsOf(file)) index.bySymbol.set(symbol, file);
    for (const extension of file.extensions) {
      const type = extension.extendee.typeName;
      index.byExtension.set(`${type}/${extension.number}`, file);
      index.extensionNumbers.set(type, [...(index.extensionNumbers.get(type) ?? []), extension.number]);
    }
  }
  return index;
}

function* symbolsOf(file: DescFile): Generator<string> {
  for (const service of file.services) {
    yield service.typeName;
    for (const method of service.methods) yield `${service.typeName}.${method.name}`;
  }
  for (const extension of file.extensions) yield extension.typeName;
  const messages = [...file.messages];
  for (const message of messages) {
    yield message.typeName;
    messages.push(...message.nestedMessages);
    for (const nested of message.nestedEnums) yield nested.typeName;
    for (const field of message.fields) yield `${message.typeName}.${field.name}`;
  }
  for (const each of file.enums) yield each.typeName;
}
