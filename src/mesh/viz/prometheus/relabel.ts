export type LabelSet = Record<string, string>;

/** One rule of `relabel_configs`. */
export interface RelabelRule {
  source: string[];
  separator: string;
  regex: RegExp;
  target: string;
  replacement: string;
  action: string;
}

const ACTIONS = ['replace', 'keep', 'drop', 'labelmap', 'labeldrop', 'labelkeep', 'lowercase', 'uppercase'];

/** Reads a rule; throws on an action that is not known here. */
// biome-ignore lint/suspicious/noExplicitAny: configuration is plain YAML.
export function relabelRule(json: any): RelabelRule {
  const action = String(json.action ?? 'replace').toLowerCase();
  if (!ACTIONS.includes(action)) throw new Error(`relabel action ${JSON.stringify(action)} is not known here`);
  return {
    source: json.source_labels ?? [],
    separator: json.separator ?? ';',
    regex: new RegExp(`^(?:${json.regex ?? '(.*)'})$`, 's'),
    target: json.target_label ?? '',
    replacement: json.replacement ?? '$1',
    action,
  };
}

/** `$1` and `${1}` of a replacement. */
const expanded = (replacement: string, match: RegExpExecArray): string =>
  replacement.replace(/\$(?:\{(\d+)\}|(\d+))/g, (_, braced, plain) => match[Number(braced ?? plain)] ?? '');

/** Applies the rules in order; undefined when one of them drops it. */
export function relabel(given: LabelSet, rules: RelabelRule[]): LabelSet | undefined {
  const labels = { ...given };
  const set = (name: string, value: string) => {
    if (value === '') delete labels[name];
    else labels[name] = value;
  };
  for (const { source, separator, regex, target, replacement, action } of rules) {
    const value = source.map((name) => labels[name] ?? '').join(separator);
    switch (action) {
      case 'keep':
        if (!regex.test(value)) return undefined;
        break;
      case 'drop':
        if (regex.test(value)) return undefined;
        break;
      case 'labelmap':
        for (const [name, each] of Object.entries(labels)) {
          const match = regex.exec(name);
          if (match) set(expanded(replacement, match), each);
        }
        break;
      case 'labeldrop':
        for (const name of Object.keys(labels)) if (regex.test(name)) delete labels[name];
        break;
      case 'labelkeep':
        for (const name of Object.keys(labels)) if (!regex.test(name)) delete labels[name];
        break;
      case 'lowercase':
        set(target, value.toLowerCase());
        break;
      case 'uppercase':
        set(target, value.toUpperCase());
        break;
      default: {
        const match = regex.exec(value);
        if (match) set(expanded(target, match), expanded(replacement, match));
      }
    }
  }
  return labels;
}
