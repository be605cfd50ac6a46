/** Sizes and choices of this browser, kept over visits. A browser without storage has them for the visit. */
const PREFIX = 'academy.workbench.';
const visit = new Map<string, string>();

export function recall(name: string): string | undefined {
  try {
    return localStorage.getItem(PREFIX + name) ?? visit.get(name);
  } catch {
    return visit.get(name);
  }
}

export function remember(name: string, value: string): void {
  visit.set(name, value);
  try {
    localStorage.setItem(PREFIX + name, value);
  } catch {
    // Kept for the visit.
  }
}

export function recallNumber(name: string, otherwise: number): number {
  const value = Number(recall(name));
  return recall(name) !== undefined && Number.isFinite(value) ? value : otherwise;
}
