/**
 * The mail around an invitation or an answer: opened for the user to see and to send. Nothing is sent here.
 */

import { canonical } from "./address.js";
import { plain } from "./i18n.js";
import { RpcError } from "./rpc.js";
import { oneLine } from "./text.js";

/** @import { InvitationMail } from "./protocol.js" */

const NAME = 100;

/**
 * @typedef {object} Opens
 * @property {typeof messenger.accounts.list} accounts
 * @property {typeof messenger.compose.beginNew} beginNew
 */

/**
 * @param {InvitationMail} mail
 * @param {"invite" | "answer"} kind
 * @param {Opens} thunderbird
 * @throws {RpcError} `no-mail-account`: no account of this Thunderbird can send it from the right address
 */
export async function openMail({ from, to, name, mediaType, content }, kind, { accounts, beginNew }) {
  const identities = (await accounts(false)).flatMap((account) => account.identities);
  const identity = identities.find(({ email }) => canonical(email ?? "") === from);
  if (!identity) {
    throw new RpcError({ message: "no mail identity has the own address", data: { name: "no-mail-account" } });
  }
  const author = oneLine(identity.name ?? "", NAME) || from;
  const [subject, plainTextBody] =
    kind === "invite"
      ? [plain("inviteMailSubject", author), plain("inviteMailText", author, from, to)]
      : [plain("answerMailSubject", author), plain("answerMailText", author, from)];
  await beginNew({
    identityId: identity.id,
    to: [to],
    subject,
    isPlainText: true,
    plainTextBody,
    attachments: [{ file: new File([content], name, { type: mediaType }), name }],
  });
}
