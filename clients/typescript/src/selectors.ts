import { create } from "@bufbuild/protobuf";
import {
  type ContainerSelector,
  ContainerSelectorSchema,
  type HostSelector,
  HostSelectorSchema,
  LabelOperator,
  type LabelRequirement,
  LabelRequirementSchema,
} from "./gen/dockfleet/fleet/v1/selectors_pb.js";

/** Which hosts or containers: those with one of these names, where `*` stands for any characters, and these labels. */
export interface Choice {
  names?: string[];
  /** What the labels must meet: `key=value`, `key!=value`, `key in (a,b)`, `key notin (a,b)`, `key` or `!key`. */
  labels?: string[];
}

/** Which containers. */
export interface ContainerChoice extends Choice {
  images?: string[];
  states?: string[];
  publishedPorts?: number[];
}

/** The hosts that are meant; all without a choice. */
export function hosts(choice?: Choice | string[]): HostSelector {
  const { names = [], labels = [] } = Array.isArray(choice) ? { names: choice } : (choice ?? {});
  const all = choice === undefined;
  return create(HostSelectorSchema, { all, names, labels: labels.map(requirement) });
}

/** The containers that are meant; all without a choice. */
export function containers(choice?: ContainerChoice | string[]): ContainerSelector {
  const given: ContainerChoice = Array.isArray(choice) ? { names: choice } : (choice ?? {});
  const all = choice === undefined;
  return create(ContainerSelectorSchema, { ...given, all, labels: (given.labels ?? []).map(requirement) });
}

/** The requirement that `text` says.  Throws `RangeError` when it says none. */
export function requirement(text: string): LabelRequirement {
  const found = /^\s*(?:(?<absent>!)\s*(?<no>[^\s=!,()]+)|(?<key>[^\s=!,()]+)\s*(?:(?<sign>!?=)\s*(?<value>.*)|(?<word>in|notin)\s*\((?<values>.*)\))?)\s*$/s.exec(
    text,
  )?.groups;
  if (!found) throw new RangeError(`not a requirement of a label: ${JSON.stringify(text)}; such as key=value, !key or key in (a,b)`);
  const { absent, no, key, sign, value, word, values } = found;
  if (absent) return label(no!, LabelOperator.NOT_EXISTS);
  if (sign) return label(key!, sign === "=" ? LabelOperator.EQUAL : LabelOperator.NOT_EQUAL, [value!.trim()]);
  if (!word) return label(key!, LabelOperator.EXISTS);
  const listed = values!.split(",").map((each) => each.trim());
  return label(key!, word === "in" ? LabelOperator.IN : LabelOperator.NOT_IN, listed);
}

function label(key: string, operator: LabelOperator, values: string[] = []): LabelRequirement {
  return create(LabelRequirementSchema, { key, operator, values });
}
