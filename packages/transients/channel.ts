/** Each message is an encoded `realchat.delivery.v1.Transient`. Every delivery node hears all of them. */
export const CHANNEL = 'realchat:transients';
