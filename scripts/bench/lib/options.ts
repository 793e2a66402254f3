/** What every benchmark takes: sections to measure, how much of each, and how to report. */
export interface BenchOptions<Section extends string, Plan> {
  readonly json: boolean;
  /** Exit with 1 when a target is missed. */
  readonly check: boolean;
  readonly only: readonly Section[];
  readonly plan: Plan;
}

export interface BenchChoices<Section extends string, Plan> {
  readonly sections: readonly Section[];
  readonly full: Plan;
  /** Of `--short`. */
  readonly short: Plan;
  readonly usage: string;
}

/** Throws an Error whose message is fit for the user. */
export function parseBenchOptions<Section extends string, Plan>(
  args: readonly string[],
  { sections, full, short, usage }: BenchChoices<Section, Plan>,
): BenchOptions<Section, Plan> {
  let json = false;
  let check = false;
  let plan = full;
  let only = sections;
  const rest = [...args];
  for (let arg = rest.shift(); arg !== undefined; arg = rest.shift()) {
    if (arg === '--json') json = true;
    else if (arg === '--check') check = true;
    else if (arg === '--short') plan = short;
    else if (arg === '--only') only = parseSections(rest.shift() ?? '', sections);
    else if (arg.startsWith('--only=')) only = parseSections(arg.slice('--only='.length), sections);
    else throw new Error(`${arg}: no such option\n${usage}`);
  }
  return { json, check, only, plan };
}

/** Comma-separated names of sections. Throws an Error whose message is fit for the user. */
export function parseSections<Section extends string>(
  list: string,
  sections: readonly Section[],
): readonly Section[] {
  return list.split(',').map((name) => {
    const section = sections.find((known) => known === name);
    if (section === undefined) throw new Error(`--only: '${name}' is not one of ${sections.join(', ')}`);
    return section;
  });
}
