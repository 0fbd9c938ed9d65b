import type { DescFile } from '@bufbuild/protobuf';

/** The comment before each named thing of a file, by its full name; empty when there is none. */
export function commentsOf(file: DescFile): Map<string, string> {
  const leading = new Map(
    file.proto.sourceCodeInfo?.location.map(({ path, leadingComments }) => [path.join('.'), leadingComments.trim()]),
  );
  return new Map([...namedPlaces(file)].map(([name, place]) => [name, leading.get(place) ?? '']));
}

// Numbers of fields of descriptor.proto, of which the path of a location is made.
const FILE = { messages: 4, enums: 5, services: 6 };
const MESSAGE = { fields: 2, nested: 3, enums: 4, oneofs: 8 };
const METHODS = 2;
const VALUES = 2;

interface Named {
  name: string;
}
interface Enum extends Named {
  value: Named[];
}
interface Message extends Named {
  field: Named[];
  oneofDecl: Named[];
  nestedType: Message[];
  enumType: Enum[];
}
type Place = [name: string, path: string];

function* namedPlaces({ proto }: DescFile): Generator<Place> {
  const root = proto.package;
  for (const [i, each] of proto.messageType.entries()) yield* ofMessage(each, root, `${FILE.messages}.${i}`);
  for (const [i, each] of proto.enumType.entries()) yield* ofEnum(each, root, `${FILE.enums}.${i}`);
  for (const [i, service] of proto.service.entries()) {
    const path = `${FILE.services}.${i}`;
    const name = `${root}.${service.name}`;
    yield [name, path];
    yield* each(service.method, name, `${path}.${METHODS}`);
  }
}

function* ofMessage(message: Message, scope: string, path: string): Generator<Place> {
  const name = `${scope}.${message.name}`;
  yield [name, path];
  yield* each(message.field, name, `${path}.${MESSAGE.fields}`);
  yield* each(message.oneofDecl, name, `${path}.${MESSAGE.oneofs}`);
  for (const [i, nested] of message.nestedType.entries())
    yield* ofMessage(nested, name, `${path}.${MESSAGE.nested}.${i}`);
  for (const [i, nested] of message.enumType.entries()) yield* ofEnum(nested, name, `${path}.${MESSAGE.enums}.${i}`);
}

function* ofEnum(proto: Enum, scope: string, path: string): Generator<Place> {
  const name = `${scope}.${proto.name}`;
  yield [name, path];
  yield* each(proto.value, name, `${path}.${VALUES}`);
}

function* each(list: Named[], scope: string, path: string): Generator<Place> {
  for (const [i, { name }] of list.entries()) yield [`${scope}.${name}`, `${path}.${i}`];
}
