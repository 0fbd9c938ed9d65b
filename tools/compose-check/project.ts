/** What our tests read of a project as compose-go prints it. */
export interface ComposeProject {
  services: Record<string, ComposeService>;
  networks: Record<string, { internal?: boolean }>;
  volumes: Record<string, unknown>;
}

export type StartCondition = 'service_started' | 'service_healthy' | 'service_completed_successfully';

export interface ComposeService {
  image: string;
  build?: { context: string; dockerfile: string; target: string; args: Record<string, string> };
  command: string[] | null;
  environment?: Record<string, string>;
  depends_on?: Record<string, { condition: StartCondition }>;
  healthcheck?: { test: string[] };
  networks?: Record<string, unknown>;
  network_mode?: string;
  ports?: { host_ip?: string; target: number; published: string }[];
  volumes?: { type: string; source: string; target: string; read_only?: boolean }[];
  tmpfs?: string[];
  restart: string;
  user?: string;
  read_only?: boolean;
  cap_drop?: string[];
  security_opt?: string[];
  privileged?: boolean;
  mem_limit?: string;
  pids_limit?: number;
  stop_grace_period?: string;
  deploy?: { replicas?: number };
}
