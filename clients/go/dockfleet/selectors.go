package dockfleet

import "dockfleet.internal/go/dockfleetfleetv1"

// AllHosts selects every host.
func AllHosts() *dockfleetfleetv1.HostSelector {
	return &dockfleetfleetv1.HostSelector{All: true}
}

// Hosts selects hosts by name; a `*` stands for any number of characters.
func Hosts(names ...string) *dockfleetfleetv1.HostSelector {
	return &dockfleetfleetv1.HostSelector{Names: names}
}

// HostsWith selects the hosts whose labels meet every requirement.
func HostsWith(labels ...*dockfleetfleetv1.LabelRequirement) *dockfleetfleetv1.HostSelector {
	return &dockfleetfleetv1.HostSelector{Labels: labels}
}

// Containers selects containers by name or id; a `*` stands for any number of characters.
func Containers(names ...string) *dockfleetfleetv1.ContainerSelector {
	return &dockfleetfleetv1.ContainerSelector{Names: names}
}

// ContainersWith selects the containers whose labels meet every requirement.
func ContainersWith(labels ...*dockfleetfleetv1.LabelRequirement) *dockfleetfleetv1.ContainerSelector {
	return &dockfleetfleetv1.ContainerSelector{Labels: labels}
}

// Label requires that a label has one of these values; without any, that it is there.
func Label(key string, values ...string) *dockfleetfleetv1.LabelRequirement {
	operator := dockfleetfleetv1.LabelOperator_LABEL_OPERATOR_IN
	if len(values) == 0 {
		operator = dockfleetfleetv1.LabelOperator_LABEL_OPERATOR_EXISTS
	} else if len(values) == 1 {
		operator = dockfleetfleetv1.LabelOperator_LABEL_OPERATOR_EQUAL
	}
	return &dockfleetfleetv1.LabelRequirement{Key: key, Operator: operator, Values: values}
}
