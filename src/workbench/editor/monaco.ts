import * as monaco from 'monaco-editor/editor/editor.api';
import 'monaco-editor/features/bracketMatching/register';
import 'monaco-editor/features/caretOperations/register';
import 'monaco-editor/features/clipboard/register';
import 'monaco-editor/features/codicon/register';
import 'monaco-editor/features/comment/register';
import 'monaco-editor/features/contextmenu/register';
import 'monaco-editor/features/cursorUndo/register';
import 'monaco-editor/features/diffEditor/register';
import 'monaco-editor/features/find/register';
import 'monaco-editor/features/folding/register';
import 'monaco-editor/features/gotoError/register';
import 'monaco-editor/features/hover/register';
import 'monaco-editor/features/indentation/register';
import 'monaco-editor/features/linesOperations/register';
import 'monaco-editor/features/multicursor/register';
import 'monaco-editor/features/smartSelect/register';
import 'monaco-editor/features/snippet/register';
import 'monaco-editor/editor/contrib/suggest/browser/suggestController';
import 'monaco-editor/features/suggest/register';
import 'monaco-editor/features/toggleTabFocusMode/register';
import 'monaco-editor/features/wordOperations/register';
import 'monaco-editor/languages/definitions/markdown/register';
import 'monaco-editor/languages/definitions/shell/register';
import 'monaco-editor/languages/definitions/yaml/register';
import EditorWorker from 'monaco-editor/editor/editor.worker?worker';
import type { Scheme } from '../colour-scheme.ts';
import { registerKubernetes } from './completions.ts';
import { defineThemes, themeFor } from './monaco-themes.ts';

globalThis.MonacoEnvironment = { getWorker: () => new EditorWorker() };

export interface Mistake {
  message: string;
  /** Offsets into the text, UTF-16 units. */
  from: number;
  to: number;
  severity: 'error' | 'warning';
}

export interface EditorOptions {
  host: HTMLElement;
  scheme: Scheme;
  onChange(path: string, text: string): void;
  /** Ctrl-Shift-Escape. */
  onLeave(): void;
  /** Ctrl-S. */
  onSave(path: string): void;
}

/** The code editor. One model a file, so that undo and the place in it stay while tabs change. */
export class CodeEditor {
  readonly #editor: monaco.editor.IStandaloneCodeEditor;
  readonly #models = new Map<string, monaco.editor.ITextModel>();
  readonly #places = new Map<string, monaco.editor.ICodeEditorViewState | null>();
  readonly #o: EditorOptions;
  #diff: monaco.editor.IStandaloneDiffEditor | undefined;
  #path: string | undefined;
  #quiet = false;

  constructor(options: EditorOptions) {
    this.#o = options;
    defineThemes(monaco);
    registerKubernetes(monaco);
    this.#editor = monaco.editor.create(options.host, {
      model: null,
      theme: themeFor(options.scheme),
      automaticLayout: true,
      fontFamily: getComputedStyle(document.documentElement).getPropertyValue('--font-code') || 'monospace',
      fontLigatures: false,
      fontSize: 13,
      lineHeight: 20,
      minimap: { enabled: false },
      scrollBeyondLastLine: false,
      wordWrap: 'off',
      tabSize: 2,
      insertSpaces: true,
      detectIndentation: false,
      renderLineHighlight: 'line',
      overviewRulerBorder: false,
      cursorBlinking: 'solid',
      smoothScrolling: false,
      padding: { top: 10, bottom: 10 },
      lineNumbersMinChars: 3,
      stickyScroll: { enabled: false },
      quickSuggestions: { other: true, comments: false, strings: true },
      wordBasedSuggestions: 'currentDocument',
      fixedOverflowWidgets: true,
      scrollbar: { verticalScrollbarSize: 10, horizontalScrollbarSize: 10, useShadows: false },
      ariaLabel: 'File editor. Leave with Control, Shift and Escape.',
    });
    const { CtrlCmd, Shift, WinCtrl } = monaco.KeyMod;
    const { Escape, KeyS } = monaco.KeyCode;
    this.#editor.addCommand(CtrlCmd | Shift | Escape, () => options.onLeave());
    this.#editor.addCommand(WinCtrl | Shift | Escape, () => options.onLeave());
    this.#editor.addCommand(CtrlCmd | KeyS, () => {
      if (this.#path) options.onSave(this.#path);
    });
    void document.fonts.load('13px "JetBrains Mono Variable"').then(() => monaco.editor.remeasureFonts());
  }

  get path(): string | undefined {
    return this.#path;
  }

  /** `name` is what the file is called where that differs from its place here; it decides the language. */
  show(path: string, text: string, name = path): void {
    this.closeDiff();
    if (this.#path !== undefined) this.#places.set(this.#path, this.#editor.saveViewState());
    let model = this.#models.get(path);
    if (!model) {
      const uri = monaco.Uri.from({ scheme: 'academy', path: `/${path}` });
      model = monaco.editor.createModel(text, languageOf(name), uri);
      this.#models.set(path, model);
      model.onDidChangeContent(() => {
        if (!this.#quiet) this.#o.onChange(path, model!.getValue());
      });
    } else if (model.getValue() !== text) this.setText(path, text);
    this.#path = path;
    this.#editor.setModel(model);
    const place = this.#places.get(path);
    if (place) this.#editor.restoreViewState(place);
    this.#editor.updateOptions({ ariaLabel: `${name}. Leave with Control, Shift and Escape.` });
  }

  /** Another text for a file, put in as an edit so that it can be undone and the cursor stays where it makes sense. */
  setText(path: string, text: string): void {
    const model = this.#models.get(path);
    if (!model || model.getValue() === text) return;
    this.#quiet = true;
    model.pushEditOperations([], [{ range: model.getFullModelRange(), text }], () => null);
    this.#quiet = false;
  }

  textOf(path: string): string | undefined {
    return this.#models.get(path)?.getValue();
  }

  close(path: string): void {
    if (this.#path === path) {
      this.#path = undefined;
      this.#editor.setModel(null);
    }
    this.#models.get(path)?.dispose();
    this.#models.delete(path);
    this.#places.delete(path);
  }

  mark(path: string, mistakes: readonly Mistake[]): void {
    const model = this.#models.get(path);
    if (!model) return;
    monaco.editor.setModelMarkers(
      model,
      'academy',
      mistakes.map(({ message, from, to, severity }) => {
        const start = model.getPositionAt(from);
        const end = model.getPositionAt(Math.max(to, from + 1));
        return {
          message,
          severity: severity === 'error' ? monaco.MarkerSeverity.Error : monaco.MarkerSeverity.Warning,
          startLineNumber: start.lineNumber,
          startColumn: start.column,
          endLineNumber: end.lineNumber,
          endColumn: end.column,
        };
      }),
    );
  }

  /** The session's text on the left, the editor's on the right, both to read. */
  showDiff(path: string, theirs: string): void {
    const mine = this.#models.get(path);
    if (!mine) return;
    this.closeDiff();
    const host = document.createElement('div');
    host.className = 'wb-diff';
    this.#o.host.append(host);
    this.#diff = monaco.editor.createDiffEditor(host, {
      readOnly: true,
      automaticLayout: true,
      theme: themeFor(this.#o.scheme),
      minimap: { enabled: false },
      renderSideBySide: this.#o.host.clientWidth > 560,
      fontSize: 12,
      fontFamily: getComputedStyle(document.documentElement).getPropertyValue('--font-code') || 'monospace',
      ariaLabel: 'Difference: left, the session; right, your text.',
    });
    this.#diff.setModel({ original: monaco.editor.createModel(theirs, languageOf(path)), modified: mine });
  }

  closeDiff(): void {
    if (!this.#diff) return;
    const original = this.#diff.getModel()?.original;
    const host = this.#diff.getContainerDomNode();
    this.#diff.dispose();
    original?.dispose();
    host.remove();
    this.#diff = undefined;
  }

  setScheme(scheme: Scheme): void {
    monaco.editor.setTheme(themeFor(scheme));
  }

  focus(): void {
    this.#editor.focus();
  }

  dispose(): void {
    this.closeDiff();
    this.#editor.dispose();
    for (const model of this.#models.values()) model.dispose();
    this.#models.clear();
  }
}

function languageOf(path: string): string {
  if (/\.(ya?ml)$/.test(path)) return 'yaml';
  if (/\.(sh|bash)$/.test(path) || /(^|\/)\.bash/.test(path)) return 'shell';
  // JSON is a kind of YAML; its own service would be a second worker for nothing that YAML does not show.
  if (/\.json$/.test(path)) return 'yaml';
  if (/\.(md|markdown)$/.test(path)) return 'markdown';
  return 'plaintext';
}
