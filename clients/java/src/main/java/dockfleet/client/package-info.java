/** Many Docker hosts over one gRPC gateway. */
package dockfleet.client;
