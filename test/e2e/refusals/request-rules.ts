import { type DescField, type DescOneof, getOption, isFieldSet, type Message, ScalarType } from '@bufbuild/protobuf';
import {
  BytesRulesSchema,
  EnumRulesSchema,
  type FieldRules,
  FieldRulesSchema,
  field as fieldRules,
  Int32RulesSchema,
  Int64RulesSchema,
  oneof as oneofRules,
  RepeatedRulesSchema,
  StringRulesSchema,
} from '@bufbuild/protovalidate/gen/buf/validate/validate_pb.js';

/** A value that a field must not have, and where the refusal has to point besides the field itself: `[1]` is an item. */
export interface InvalidValue {
  rule: string;
  value: unknown;
  item?: string;
}

/** A value that the rules of a scalar or a list let pass. `index` makes several that differ. */
export function validValue(field: DescField, index = 0): unknown {
  const rules = getOption(field, fieldRules);
  if (isFlag(field)) return true;
  if (field.fieldKind === 'list') return Array.from({ length: minItems(rules) }, (_, i) => validItem(field, i));
  return validScalar(nameOf(field), rules, index);
}

/**
 * Values that break each of a field's rules, one or more for every rule. Throws for a rule that this file knows nothing
 * of, and for a scalar or list without rules: a new one has to be taught here, or it would go untested.
 */
export function invalidValues(field: DescField): InvalidValue[] {
  if (isFlag(field)) return [];
  const rules = getOption(field, fieldRules);
  const known = setFields(FieldRulesSchema, rules);
  const strange = known.filter((name) => !['string', 'bytes', 'int32', 'int64', 'enum', 'repeated'].includes(name));
  if (known.length === 0 || strange.length > 0) {
    throw new Error(`no invalid value is known for ${nameOf(field)} (${strange.join(', ') || 'it has no rules'})`);
  }
  if (field.fieldKind === 'list') return invalidLists(field, rules);
  return invalidScalars(nameOf(field), rules);
}

/** Whether no value of a field is wrong: a yes or no, and a time, whose range the contract leaves to its type. */
export function takesAnything(field: DescField): boolean {
  return isFlag(field) || isTime(field);
}

export function isTime(field: DescField): boolean {
  return field.message?.typeName === 'google.protobuf.Timestamp';
}

function isFlag(field: DescField): boolean {
  return field.fieldKind === 'scalar' && field.scalar === ScalarType.BOOL;
}

/** Whether one of the oneof's fields has to be set. */
export function isRequired(oneof: DescOneof): boolean {
  return getOption(oneof, oneofRules).required;
}

function invalidScalars(name: string, { type }: FieldRules): InvalidValue[] {
  switch (type.case) {
    case 'string':
      return setFields(StringRulesSchema, type.value).flatMap((rule): InvalidValue[] => {
        const { minLen, maxLen, maxBytes, pattern, notContains } = type.value;
        const valid = validString(type.value, 0);
        switch (rule) {
          case 'min_len':
            return [{ rule, value: valid.slice(0, Number(minLen) - 1) }];
          case 'max_len':
            return [{ rule, value: 'a'.repeat(Number(maxLen) + 1) }];
          case 'max_bytes':
            return [{ rule, value: '😀'.repeat(Math.ceil((Number(maxBytes) + 1) / 4)) }];
          case 'pattern':
            return strangers(pattern, valid).map((value) => ({ rule, value }));
          case 'not_contains':
            return [{ rule, value: `${valid}${notContains}` }];
          case 'uuid':
            return ['', 'not-a-uuid', `${valid}0`, "' or 1=1 --"].map((value) => ({ rule, value }));
          default:
            throw new Error(`no invalid value is known for string.${rule} of ${name}`);
        }
      });
    case 'bytes':
      return setFields(BytesRulesSchema, type.value).map((rule) => {
        if (rule !== 'max_len') throw new Error(`no invalid value is known for bytes.${rule} of ${name}`);
        return { rule, value: new Uint8Array(Number(type.value.maxLen) + 1) };
      });
    case 'int32':
    case 'int64': {
      const { greaterThan, lessThan } = type.value;
      const one = (value: number | bigint, step: number) =>
        typeof value === 'bigint' ? value + BigInt(step) : value + step;
      return setFields(type.case === 'int32' ? Int32RulesSchema : Int64RulesSchema, type.value).map((rule) => {
        if (rule === 'gte' && greaterThan.case === 'gte') return { rule, value: one(greaterThan.value, -1) };
        if (rule === 'lte' && lessThan.case === 'lte') return { rule, value: one(lessThan.value, 1) };
        throw new Error(`no invalid value is known for ${type.case}.${rule} of ${name}`);
      });
    }
    case 'enum':
      return setFields(EnumRulesSchema, type.value).flatMap((rule): InvalidValue[] => {
        if (rule === 'defined_only') return [{ rule, value: 9_999 }];
        if (rule === 'not_in') return type.value.notIn.map((value) => ({ rule, value }));
        throw new Error(`no invalid value is known for enum.${rule} of ${name}`);
      });
    default:
      throw new Error(`no invalid value is known for ${type.case} of ${name}`);
  }
}

function invalidLists(field: DescField & { fieldKind: 'list' }, { type }: FieldRules): InvalidValue[] {
  if (type.case !== 'repeated') throw new Error(`no invalid value is known for ${nameOf(field)}`);
  const { value: list } = type;
  const items = (count: number) => Array.from({ length: count }, (_, i) => validItem(field, i));
  return setFields(RepeatedRulesSchema, list).flatMap((rule): InvalidValue[] => {
    switch (rule) {
      case 'min_items':
        return [{ rule, value: items(Number(list.minItems) - 1) }];
      case 'max_items':
        return [{ rule, value: items(Number(list.maxItems) + 1) }];
      case 'unique':
        return [{ rule, value: [validItem(field, 0), validItem(field, 0)] }];
      case 'items':
        return invalidScalars(`${nameOf(field)}[]`, list.items as FieldRules).map(({ rule: of, value }) => {
          return { rule: `items.${of}`, value: [validItem(field, 0), value], item: '[1]' };
        });
      default:
        throw new Error(`no invalid value is known for repeated.${rule} of ${nameOf(field)}`);
    }
  });
}

function validItem(field: DescField, index: number): unknown {
  const { type } = getOption(field, fieldRules);
  return validScalar(`${nameOf(field)}[]`, type.case === 'repeated' ? type.value.items : undefined, index);
}

function validScalar(name: string, rules: FieldRules | undefined, index: number): unknown {
  switch (rules?.type.case) {
    case 'string':
      return validString(rules.type.value, index);
    case 'bytes':
      return new Uint8Array();
    case 'int32':
      return rules.type.value.greaterThan.value ?? 0;
    case 'int64':
      return rules.type.value.greaterThan.value ?? 0n;
    case 'enum':
      // Of every enum of ours, 0 says nothing and 1 is the first that says something.
      return 1;
    default:
      throw new Error(`no valid value is known for ${name}`);
  }
}

/** Strings that patterns take which take no plain word. */
const EXAMPLES: Record<string, (index: number) => string> = {
  '^[A-Za-z0-9._-]{1,249}/[0-9]{1,9}/[0-9]{1,18}$': (index) => `topic/0/${index}`,
  '^20[0-9]{2}-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])$': () => '2026-11-25',
};

function validString(
  { wellKnown, minLen, pattern }: { wellKnown: { case: string | undefined }; minLen: bigint; pattern: string },
  index: number,
) {
  const example = EXAMPLES[pattern];
  if (example) return example(index);
  if (wellKnown.case === 'uuid') return `00000000-0000-4000-8000-${String(index).padStart(12, '0')}`;
  return 'abcdefghijklmnopqrstuvwxyz'.repeat(8).slice(0, Math.max(Number(minLen), 1));
}

/** Strings of a good length with one character that the pattern does not take, at the start, and at the end. */
function strangers(pattern: string, valid: string): string[] {
  const takes = new RegExp(pattern, 'u');
  const found = [' ', '\n', 'A', 'ä', '/', '\u0000']
    .flatMap((character) => [`${character}${valid.slice(1)}`, `${valid.slice(1)}${character}`])
    .filter((value) => !takes.test(value));
  if (found.length === 0) throw new Error(`nothing is known that ${pattern} does not take`);
  return found;
}

function minItems({ type }: FieldRules): number {
  return type.case === 'repeated' ? Number(type.value.minItems) : 0;
}

function setFields(schema: { fields: DescField[] }, rules: Message): string[] {
  return schema.fields.filter((field) => isFieldSet(rules as never, field)).map((field) => field.name);
}

function nameOf(field: DescField): string {
  return `${field.parent.typeName}.${field.name}`;
}
