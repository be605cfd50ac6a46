import type * as Monaco from 'monaco-editor/editor/editor.api';
import { KINDS } from './kinds.ts';

/** `apiVersion` and `kind` values, and a whole resource on an empty line: what is tedious to type and easy to mistype. */
export function registerKubernetes(monaco: typeof Monaco): void {
  monaco.languages.registerCompletionItemProvider('yaml', {
    triggerCharacters: [' ', ':'],
    provideCompletionItems(model, position) {
      const line = model.getLineContent(position.lineNumber).slice(0, position.column - 1);
      const word = model.getWordUntilPosition(position);
      const range = new monaco.Range(position.lineNumber, word.startColumn, position.lineNumber, word.endColumn);
      const value = /^(\s*(?:- )?)(apiVersion|kind):\s*(\S*)$/.exec(line);
      if (value) {
        const from = position.column - value[3]!.length;
        const whole = new monaco.Range(position.lineNumber, from, position.lineNumber, position.column);
        const values = new Set(KINDS.map((kind) => (value[2] === 'kind' ? kind.kind : kind.apiVersion)));
        return {
          suggestions: [...values].map((text) => ({
            label: text,
            kind: monaco.languages.CompletionItemKind.EnumMember,
            insertText: text,
            range: whole,
          })),
        };
      }
      if (!/^\w*$/.test(line)) return { suggestions: [] };
      return {
        suggestions: KINDS.map(({ kind, apiVersion, about, body }) => ({
          label: kind,
          kind: monaco.languages.CompletionItemKind.Snippet,
          detail: apiVersion,
          documentation: about,
          insertText: `apiVersion: ${apiVersion}\nkind: ${kind}\nmetadata:\n  name: \${1:name}\n  namespace: \${2:default}\n${body}`,
          insertTextRules: monaco.languages.CompletionItemInsertTextRule.InsertAsSnippet,
          range,
        })),
      };
    },
  });
}
