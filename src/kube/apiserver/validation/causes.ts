/** Collects causes of an Invalid status, in upstream's words. */
export interface Causes {
  required(field: string, detail?: string): void;
  invalid(field: string, value: unknown, why: string): void;
  forbidden(field: string, why: string): void;
  unsupported(field: string, value: unknown, supported: string[]): void;
  duplicate(field: string, value: unknown): void;
  notFound(field: string, value: unknown): void;
  tooLong(field: string, mostBytes: number): void;
}

/** Causes that are told on, and noticed. */
export function noting(add: Causes, notice: () => void): Causes {
  const also =
    <A extends unknown[]>(tell: (...args: A) => void) =>
    (...args: A): void => {
      notice();
      tell(...args);
    };
  return {
    required: also(add.required),
    invalid: also(add.invalid),
    forbidden: also(add.forbidden),
    unsupported: also(add.unsupported),
    duplicate: also(add.duplicate),
    notFound: also(add.notFound),
    tooLong: also(add.tooLong),
  };
}

export const DNS_LABEL = /^[a-z0-9]([-a-z0-9]*[a-z0-9])?$/;
export const DNS_LABEL_TEXT =
  "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and end with an alphanumeric character (e.g. 'my-name',  or '123-abc', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?')";

/** What is wrong with a text that is no label: a name with dots would be fine elsewhere. */
export const dnsLabelProblem = (text: string): string =>
  SUBDOMAIN.test(text) ? 'must not contain dots' : DNS_LABEL_TEXT;

export const LABEL_VALUE = /^(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?$/;
const NAME_PART = /^([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]$/;
export const SUBDOMAIN = /^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$/;
export const LABEL_VALUE_TEXT =
  "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. 'MyValue',  or 'my_value',  or '12345', regex used for validation is '(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?')";
const NAME_TEXT =
  "must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for validation is '([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]')";
export const SUBDOMAIN_TEXT =
  "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and end with an alphanumeric character (e.g. 'example.com', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')";

/** What is wrong with a qualified name such as `app.kubernetes.io/name` (apimachinery/pkg/util/validation). */
export function qualifiedNameProblems(text: string): string[] {
  const parts = text.split('/');
  const out: string[] = [];
  if (parts.length > 2) {
    return [`a valid label key ${NAME_TEXT} with an optional DNS subdomain prefix and '/' (e.g. 'example.com/MyName')`];
  }
  const name = parts.at(-1)!;
  if (parts.length === 2) {
    const prefix = parts[0]!;
    if (prefix === '') out.push('prefix part must be non-empty');
    else if (!SUBDOMAIN.test(prefix)) out.push(`prefix part ${SUBDOMAIN_TEXT}`);
  }
  if (name === '') out.push('name part must be non-empty');
  else if (name.length > 63) out.push('name part must be no more than 63 bytes');
  if (!NAME_PART.test(name)) out.push(`name part ${NAME_TEXT}`);
  return out;
}

export function labelCauses(labels: Record<string, string> | undefined, path: string, add: Causes): void {
  for (const [key, value] of Object.entries(labels ?? {})) {
    for (const problem of qualifiedNameProblems(key)) add.invalid(path, key, problem);
    if (value.length > 63) add.invalid(path, value, 'must be no more than 63 bytes');
    if (!LABEL_VALUE.test(value)) add.invalid(path, value, LABEL_VALUE_TEXT);
  }
}

/** What is wrong with a selector of `matchLabels` and `matchExpressions`; returns whether it selects at all. */
export function selectorCauses(
  selector:
    | {
        matchLabels?: Record<string, string>;
        matchExpressions?: { key: string; operator: string; values?: string[] }[];
      }
    | undefined,
  path: string,
  add: Causes,
): boolean {
  let sound = Object.entries(selector?.matchLabels ?? {}).every(
    ([key, value]) => qualifiedNameProblems(key).length === 0 && value.length <= 63 && LABEL_VALUE.test(value),
  );
  labelCauses(selector?.matchLabels, `${path}.matchLabels`, add);
  (selector?.matchExpressions ?? []).forEach(({ key, operator, values = [] }, i) => {
    const at = `${path}.matchExpressions[${i}]`;
    if (operator === 'In' || operator === 'NotIn') {
      if (values.length === 0) {
        sound = false;
        add.required(`${at}.values`, "must be specified when `operator` is 'In' or 'NotIn'");
      }
    } else if (operator === 'Exists' || operator === 'DoesNotExist') {
      if (values.length > 0) {
        sound = false;
        add.forbidden(`${at}.values`, "may not be specified when `operator` is 'Exists' or 'DoesNotExist'");
      }
    } else {
      sound = false;
      add.invalid(`${at}.operator`, operator, 'not a valid selector operator');
    }
    for (const problem of qualifiedNameProblems(key ?? '')) {
      sound = false;
      add.invalid(`${at}.key`, key, problem);
    }
  });
  return sound;
}
