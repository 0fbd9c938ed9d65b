/** What a client of the peer posts. */
export interface Posting {
  conversationId: string;
  clientId: string;
  text: string;
}

/** What everybody in the conversation's room is told, and the sender's ack is the id of. */
export interface PostedMessage extends Posting {
  id: number;
  senderId: string;
}
