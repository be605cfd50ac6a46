/** Recorded commands that answer differently here, with the reason. Everything else must be alike. */
export const DIFFERENT: Record<string, string> = {};
