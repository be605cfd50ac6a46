import type { AcademyInfo, LabProgress } from '#schema/protocol.ts';

type Progress = Record<string, LabProgress>;

/** Writes what the learner has done into the header, the list of lessons and the course navigation. */
export async function showProgress(): Promise<void> {
  const places = document.querySelectorAll('[data-progress], [data-lab-progress], [data-nav-lab]');
  if (places.length === 0) return;
  const [progress, academy] = await Promise.all([
    getJson<{ labs: Progress }>('/api/progress'),
    getJson<AcademyInfo>('/api/academy'),
  ]);
  if (!progress || !academy) return;
  const { labs } = progress;
  const done = academy.labs.filter((lab) => labs[lab]?.completedAt !== undefined).length;
  for (const place of document.querySelectorAll('[data-progress]')) {
    place.textContent = academy.labs.length > 0 ? `${done} of ${academy.labs.length} labs done` : '';
  }
  for (const place of document.querySelectorAll<HTMLElement>('[data-lab-progress]')) {
    const lab = labs[place.dataset['labProgress'] ?? ''];
    place.textContent = lab ? wordsFor(lab) : '';
    if (lab) place.dataset['state'] = lab.completedAt === undefined ? 'begun' : 'done';
  }
  for (const place of document.querySelectorAll<HTMLElement>('[data-nav-lab]')) {
    place.toggleAttribute('data-done', labs[place.dataset['navLab'] ?? '']?.completedAt !== undefined);
  }
}

function wordsFor(lab: LabProgress): string {
  if (lab.completedAt !== undefined) return '✓ done ·';
  return lab.points.got > 0 ? `${lab.points.got} of ${lab.points.of} points ·` : '';
}

/** Undefined when there is no academy behind these pages, e.g. when they are read from plain files. */
async function getJson<T>(path: string): Promise<T | undefined> {
  try {
    const response = await fetch(path);
    return response.ok ? ((await response.json()) as T) : undefined;
  } catch {
    return undefined;
  }
}
