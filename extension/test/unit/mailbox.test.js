import assert from "node:assert/strict";
import { test } from "node:test";
import { MockMails } from "../../dev/mock/mails.js";
import { coming, readLatest } from "../../src/mailbox.js";

test("where a page cannot be had, mails that come are those before it, and a look fails", async () => {
  const box = new MockMails(1);
  box.put({ author: "first@example.test" });
  box.put({ author: "second@example.test" });
  const mail = {
    query: async () => box.list(),
    continueList: async () => {
      throw new Error("No message list found");
    },
  };
  assert.deepEqual(
    (await coming(mail, box.list())).map(({ author }) => author),
    ["first@example.test"],
  );
  const wanted = { fromDate: new Date(), recipients: "" };
  await assert.rejects(
    readLatest(mail, wanted, 10, async () => {}),
    /No message list/,
  );
});

test("a list without an end is not followed for ever", async () => {
  const box = new MockMails();
  box.put({ author: "somebody@example.test" });
  const page = { ...box.list(), id: "more" };
  const mail = { continueList: async () => page };
  assert.ok((await coming(mail, page)).length >= 100);
});
