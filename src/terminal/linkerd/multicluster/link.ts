import { Failure, type Verb } from '../verb.ts';

/** Upstream keeps it for links of older releases; a learner is shown the way that has taken its place. */
export const link: Verb = {
  name: 'link',
  hidden: true,
  summary: 'Outputs resources that allow another cluster to mirror services from this one.',
  async run({ err }) {
    await err('Command "link" is deprecated, please use `multicluster link-gen` instead.\n');
    throw new Failure(
      'The academy\'s linkerd does not offer "multicluster link". Name the link in the extension\'s values ("multicluster install --set controllers[0].link.ref.name=<cluster>") and apply what "multicluster link-gen" prints.',
    );
  },
};
