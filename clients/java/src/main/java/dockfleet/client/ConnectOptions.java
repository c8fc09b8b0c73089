package dockfleet.client;

import java.nio.file.Path;

/**
 * What proves who is who on the way to a gateway. Null means that it is not given.
 *
 * @param tls whether to use TLS and to trust the public authorities; each of the next three also turns TLS on
 * @param tlsCa the PEM file of the authorities to trust
 * @param tlsCert the PEM file of this client's certificate; together with {@code tlsKey}
 * @param tlsKey the PEM file of the private key, in PKCS#8: {@code BEGIN PRIVATE KEY}
 * @param token a token that is sent with every call, over TLS only
 */
public record ConnectOptions(boolean tls, Path tlsCa, Path tlsCert, Path tlsKey, String token) {
  /** No TLS. */
  public static final ConnectOptions PLAINTEXT = new ConnectOptions(false, null, null, null, null);

  /** Throws {@link IllegalArgumentException} for options that do not fit together. */
  public ConnectOptions {
    if ((tlsCert == null) != (tlsKey == null)) {
      throw new IllegalArgumentException("tlsCert and tlsKey belong together");
    }
    tls = tls || tlsCa != null || tlsCert != null;
    if (token != null && !tls) {
      throw new IllegalArgumentException("a token is sent over TLS only: set tls or tlsCa");
    }
    if (token != null && !token.matches("[!-~]+")) {
      throw new IllegalArgumentException(
          "the token has characters that cannot be sent: blanks, line breaks, or others than ASCII");
    }
  }
}
