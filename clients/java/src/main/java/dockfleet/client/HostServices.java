// Generated from the contract by protos/generate_clients.py.
package dockfleet.client;

/** The services of one host. */
abstract class HostServices {
  final Calls calls;
  final String name;

  HostServices(Calls calls, String name) {
    this.calls = calls;
    this.name = name;
  }

  /** Containers as a whole, and their main processes.  Further processes in a running container belong to ExecService. */
  public ContainerService containers() {
    return new ContainerService(calls, name);
  }

  /** Images in registries, as a host sees them.  They need not be on that host.  Images on a host, and pulls and pushes, */
  public DistributionService distribution() {
    return new DistributionService(calls, name);
  }

  /** Runs further processes, called execs, in a running container.  Most clients need only `Exec`; the other RPCs are its */
  public ExecService exec() {
    return new ExecService(calls, name);
  }

  /** The images in the image store of a host, and the cache of its builds.  Information of a registry about images that */
  public ImageService images() {
    return new ImageService(calls, name);
  }

  /** The networks of a host, and the connections of its containers to them.  The networks that a container gets at its */
  public NetworkService networks() {
    return new NetworkService(calls, name);
  }

  /** The engine of a host as a whole.  Every RPC asks the host and changes nothing there.  What the gateway itself knows */
  public SystemService system() {
    return new SystemService(calls, name);
  }

  /** The volumes of a host: named storage that exists independently of containers.  On managers of a swarm, also the */
  public VolumeService volumes() {
    return new VolumeService(calls, name);
  }
}
