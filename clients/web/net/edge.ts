import { type Client, Code, ConnectError, createClient, type Interceptor } from '@connectrpc/connect';
import { createGrpcWebTransport } from '@connectrpc/connect-web';
import { createWebSocketTransport, type WebSocketTransport } from '@realchat/client';
import { AuthService } from '@realchat/gen/realchat/auth/v1/auth_service';
import { ConversationService } from '@realchat/gen/realchat/messaging/v1/conversation_service';
import { MessageService } from '@realchat/gen/realchat/messaging/v1/message_service';
import { ProfileService } from '@realchat/gen/realchat/profile/v1/profile_service';

const UNARY_TIMEOUT_MS = 10_000;

/** Where access tokens come from. */
export interface TokenSource {
  token(): Promise<string>;
  renew(refused: string): Promise<string>;
}

/** The unary services that need a token. */
export interface Services {
  readonly profiles: Client<typeof ProfileService>;
  readonly conversations: Client<typeof ConversationService>;
  readonly messages: Client<typeof MessageService>;
}

/** The service that gives out tokens, by gRPC-Web. */
export function authService(origin: string): Client<typeof AuthService> {
  return createClient(AuthService, createGrpcWebTransport({ baseUrl: origin, defaultTimeoutMs: UNARY_TIMEOUT_MS }));
}

/** The other services, by gRPC-Web. */
export function services(origin: string, tokens: TokenSource): Services {
  const transport = createGrpcWebTransport({
    baseUrl: origin,
    defaultTimeoutMs: UNARY_TIMEOUT_MS,
    interceptors: [withToken(tokens)],
  });
  return {
    profiles: createClient(ProfileService, transport),
    conversations: createClient(ConversationService, transport),
    messages: createClient(MessageService, transport),
  };
}

/** The transport of Subscribe: a WebSocket of the same origin. */
export function webSocketTransport(origin: string, tokens: TokenSource): WebSocketTransport {
  const url = new URL('/ws', origin);
  url.protocol = url.protocol === 'https:' ? 'wss:' : 'ws:';
  return createWebSocketTransport({ url, token: () => tokens.token() });
}

/** Adds the access token; a call that is refused for it is made once more with another one. */
export function withToken(tokens: TokenSource): Interceptor {
  return (next) => async (request) => {
    const token = await tokens.token();
    request.header.set('authorization', `Bearer ${token}`);
    try {
      return await next(request);
    } catch (thrown) {
      if (ConnectError.from(thrown).code !== Code.Unauthenticated) throw thrown;
      request.header.set('authorization', `Bearer ${await tokens.renew(token)}`);
      return await next(request);
    }
  };
}
