package dockfleet.client;

import dockfleet.fleet.v1.ContainerSelector;
import dockfleet.fleet.v1.HostSelector;
import dockfleet.fleet.v1.LabelOperator;
import dockfleet.fleet.v1.LabelRequirement;
import java.util.Arrays;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** Which hosts and which containers a call is about. */
public final class Selectors {
  private static final Pattern REQUIREMENT =
      Pattern.compile("(?<key>[^\\s=!,()]+)\\s*(?:(?<sign>!?=)\\s*(?<value>.*)|(?<word>in|notin)\\s*\\((?<values>.*)\\))?");

  private Selectors() {}

  /** Every host. */
  public static HostSelector allHosts() {
    return HostSelector.newBuilder().setAll(true).build();
  }

  /** The hosts with these names, where {@code *} stands for any characters. */
  public static HostSelector hosts(String... names) {
    return HostSelector.newBuilder().addAllNames(List.of(names)).build();
  }

  /** The hosts whose labels meet these requirements: see {@link #label}. */
  public static HostSelector hostsWith(String... labels) {
    return HostSelector.newBuilder().addAllLabels(labels(labels)).build();
  }

  /** Every container. */
  public static ContainerSelector allContainers() {
    return ContainerSelector.newBuilder().setAll(true).build();
  }

  /** The containers with these names, where {@code *} stands for any characters. */
  public static ContainerSelector containers(String... names) {
    return ContainerSelector.newBuilder().addAllNames(List.of(names)).build();
  }

  /** The containers whose labels meet these requirements: see {@link #label}. */
  public static ContainerSelector containersWith(String... labels) {
    return ContainerSelector.newBuilder().addAllLabels(labels(labels)).build();
  }

  /**
   * What a label must be: {@code key=value}, {@code key!=value}, {@code key in (a,b)}, {@code key notin (a,b)},
   * {@code key} or {@code !key}. Throws {@link IllegalArgumentException} for any other text.
   */
  public static LabelRequirement label(String text) {
    boolean absent = text.strip().startsWith("!");
    Matcher found = REQUIREMENT.matcher(absent ? text.strip().substring(1).strip() : text.strip());
    if (!found.matches() || (absent && !found.group("key").equals(found.group()))) {
      throw new IllegalArgumentException("not a requirement of a label, such as key=value or !key: " + text);
    }
    var requirement = LabelRequirement.newBuilder().setKey(found.group("key"));
    if (found.group("sign") != null) {
      boolean equal = found.group("sign").equals("=");
      requirement.setOperator(equal ? LabelOperator.LABEL_OPERATOR_EQUAL : LabelOperator.LABEL_OPERATOR_NOT_EQUAL);
      requirement.addValues(found.group("value").strip());
    } else if (found.group("word") != null) {
      boolean in = found.group("word").equals("in");
      requirement.setOperator(in ? LabelOperator.LABEL_OPERATOR_IN : LabelOperator.LABEL_OPERATOR_NOT_IN);
      Arrays.stream(found.group("values").split(",")).map(String::strip).forEach(requirement::addValues);
    } else {
      requirement.setOperator(absent ? LabelOperator.LABEL_OPERATOR_NOT_EXISTS : LabelOperator.LABEL_OPERATOR_EXISTS);
    }
    return requirement.build();
  }

  private static List<LabelRequirement> labels(String... texts) {
    return Arrays.stream(texts).map(Selectors::label).toList();
  }
}
