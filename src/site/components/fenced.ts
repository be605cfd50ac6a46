const ENTITIES: Record<string, string> = { amp: '&', lt: '<', gt: '>', quot: '"', apos: "'", nbsp: '\u00a0' };

/**
 * The text of the one fenced block that an author put inside a component, exactly as written: inside a fence, MDX leaves
 * quotes, braces, dashes and indentation alone. `html` is the rendered slot. Undefined when it holds no fence.
 */
export function fencedText(html: string): string | undefined {
  const code = /<pre\b[^>]*>\s*<code\b[^>]*>([\s\S]*?)<\/code>/.exec(html)?.[1];
  return code
    ?.replace(/<[^>]+>/g, '')
    .replace(/&(#x[0-9a-f]+|#\d+|[a-z]+);/gi, (whole, name: string) => {
      if (name.startsWith('#x')) return String.fromCodePoint(Number.parseInt(name.slice(2), 16));
      if (name.startsWith('#')) return String.fromCodePoint(Number(name.slice(1)));
      return ENTITIES[name] ?? whole;
    })
    .replace(/\s+$/, '');
}
