/** The system's words for an error of the file system, without path and code. */
export function reasonOf(error: unknown): string {
  const { code, message } = error as { code?: string; message?: string };
  const name = code ?? /\b(E[A-Z]{3,})\b/.exec(message ?? '')?.[1] ?? '';
  return REASONS[name] ?? message ?? String(error);
}

const REASONS: Record<string, string> = {
  ENOENT: 'No such file or directory',
  EISDIR: 'Is a directory',
  ENOTDIR: 'Not a directory',
  EACCES: 'Permission denied',
  EPERM: 'Operation not permitted',
  EROFS: 'Read-only file system',
  EEXIST: 'File exists',
  ENOTEMPTY: 'Directory not empty',
  ELOOP: 'Too many levels of symbolic links',
  ENOSPC: 'No space left on device',
  EINVAL: 'Invalid argument',
  EPIPE: 'Broken pipe',
  EFBIG: 'File too large',
  EXDEV: 'Invalid cross-device link',
};
