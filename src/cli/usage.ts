/**
 * What each command takes, printed for `--help` and under a mistake in its arguments. A command that is not here takes none.
 */
export const USAGE = {
  start: `Usage:
  npm start

Opens the academy and prints its address. It takes no arguments: what can be set is read from the environment, and the
README lists it.`,
  test: `Usage:
  academy test [arguments of vitest run]      e.g. academy test --project unit test/unit/pki`,
  build: `Usage:
  academy build`,
  prove: `Usage:
  academy prove LAB... [--driver embedded|kind] [--only RUN]... [--parallel N] [--timings] [--json] [--summary FILE]
  academy prove --all  [the same]

Plays a lab untouched, solved, solved by halves and backwards, and with each of its wrong solutions, and says where what
the checks see is not what the lab promises.`,
  try: `Usage:
  academy try LAB [--script FILE]`,
  preview: `Usage:
  academy preview`,
  doctor: `Usage:
  academy doctor`,
  images: `Usage:
  academy images list                  what a classroom with kind clusters needs, and what of it is here
  academy images build                 build the image in which terminals run
  academy images tools FOLDER          make the programs for it that are Go modules: step and yq (needs Go)
  academy images bake [--tag NAME]     a node image that holds the images of all labs and of the mesh
  academy images pull                  fetch what is not here
  academy images save FILE             everything that is here, in one file
  academy images load FILE             and back, on another machine`,
  cluster: `Usage:
  academy cluster up [--name NAME] [--driver embedded|kind] [--mesh] [--kubeconfig FILE] [--port PORT]
                     [--workers N] [--node-image IMAGE] [--linkerd-cli PATH]
                     [--with NAME[:flat]] [--own-anchor]
  academy cluster list
  academy cluster down [NAME]`,
  conformance: `Usage:
  academy conformance --kubeconfig FILE [--cases FILE] [--only ID]... [--parallel N] [--json]

Plays the cases of a file against the mesh of a cluster, through its API alone: objects are applied, requests are sent
by curl from pods, and what is seen is compared with what the case expects. Without --cases, the academy's own.`,
  list: `Usage:
  academy list labs
  academy list images
  academy list checks [--markdown] [CHECK...]`,
  schemas: `Usage:
  academy schemas`,
  new: `Usage:
  academy new course <course>
  academy new lesson <course>/<lesson> [--lab <lab>]
  academy new lab [<course>/]<lab>      with a course, the lesson that opens it is made too`,
  check: `Usage:
  academy check [PATH]      all lessons and labs, or those under a path`,
} as const;
