// The part of Thunderbird's add-on interface that Corella uses (manifest version 3), and nothing else: the published
// type packages describe older versions.

declare namespace messenger {
    interface Event<Listener extends (...args: never[]) => unknown> {
        addListener(listener: Listener): void;
        removeListener(listener: Listener): void;
    }

    namespace runtime {
        interface Port {
            readonly name: string;
            readonly sender?: { tab?: tabs.Tab; id?: string; url?: string };
            readonly error?: { message: string } | null;
            readonly onMessage: Event<(message: unknown) => void>;
            readonly onDisconnect: Event<(port: Port) => void>;
            postMessage(message: unknown): void;
            disconnect(): void;
        }
        function connectNative(application: string): Port;
        function connect(info: { name: string }): Port;
        function getManifest(): { version: string };
        function getURL(path: string): string;
        const id: string;
        const onConnect: Event<(port: Port) => void>;
        const onStartup: Event<() => void>;
        const onInstalled: Event<
            (details: { reason: "install" | "update" | "browser_update" | "chrome_update" }) => void
        >;
    }

    namespace storage {
        interface Area {
            get(keys: string | string[]): Promise<Record<string, unknown>>;
            set(items: Record<string, unknown>): Promise<void>;
            remove(keys: string | string[]): Promise<void>;
        }
        const local: Area;
    }

    namespace i18n {
        function getMessage(name: string, substitutions?: string | string[]): string;
        function getUILanguage(): string;
    }

    namespace alarms {
        function create(
            name: string,
            info: { delayInMinutes?: number; periodInMinutes?: number },
        ): Promise<void> | void;
        function clear(name: string): Promise<boolean>;
        const onAlarm: Event<(alarm: { name: string }) => void>;
    }

    namespace notifications {
        function create(
            id: string,
            options: { type: "basic"; iconUrl: string; title: string; message: string },
        ): Promise<string>;
        function clear(id: string): Promise<boolean>;
        const onClicked: Event<(id: string) => void>;
    }

    namespace permissions {
        function request(permissions: { permissions: string[] }): Promise<boolean>;
    }

    namespace tabs {
        interface Tab {
            id?: number;
            windowId?: number;
            active?: boolean;
            url?: string;
        }
        function create(properties: { url: string; active?: boolean }): Promise<Tab>;
        function update(tabId: number, properties: { active?: boolean }): Promise<Tab>;
        function remove(tabIds: number): Promise<void>;
    }

    namespace windows {
        /** `id` is -1 where no window of Thunderbird has the focus. */
        const onFocusChanged: Event<(id: number) => void>;
        function getCurrent(): Promise<{ id: number; focused: boolean }>;
        function update(windowId: number, info: { focused: boolean }): Promise<unknown>;
        function openDefaultBrowser(url: string): Promise<void>;
    }

    namespace spaces {
        interface Space {
            id: number;
            name: string;
        }
        interface ThemeIcon {
            light: string;
            dark: string;
            size: number;
        }
        interface ButtonProperties {
            title?: string;
            defaultIcons?: string;
            themeIcons?: ThemeIcon[];
            badgeText?: string | null;
            badgeBackgroundColor?: string | null;
        }
        function create(name: string, url: string, button?: ButtonProperties): Promise<Space>;
        function query(info: { isSelfOwned?: boolean; name?: string }): Promise<Space[]>;
        function update(spaceId: number, button: ButtonProperties): Promise<void>;
        function open(spaceId: number): Promise<tabs.Tab>;
    }

    namespace action {
        function setBadgeText(details: { text: string | null }): Promise<void>;
        function setBadgeBackgroundColor(details: { color: string }): Promise<void>;
        function setTitle(details: { title: string }): Promise<void>;
        const onClicked: Event<(tab: tabs.Tab) => void>;
    }

    namespace messageDisplayAction {
        const onClicked: Event<(tab: tabs.Tab) => void>;
    }

    namespace messageDisplay {
        function getDisplayedMessages(tabId?: number): Promise<{ messages: messages.MessageHeader[] }>;
    }

    namespace compose {
        interface Details {
            identityId: string;
            to: string[];
            subject: string;
            isPlainText: boolean;
            plainTextBody: string;
            attachments: { file: File; name: string }[];
        }
        /** Opens a window for writing; the user sends. */
        function beginNew(details: Details): Promise<unknown>;
    }

    namespace messages {
        export interface MessageHeader {
            id: number;
            date: Date;
            /** The From, decoded. */
            author: string;
            junk: boolean;
            /** In bytes. */
            size: number;
            /** The rest is still on the server, and stays there. */
            headersOnly: boolean;
            folder?: { specialUse?: string[] };
        }
        export interface MessageAttachment {
            name: string;
            contentType: string;
            partName: string;
            size: number;
        }
        /** A page of mails; with `id` there are more. */
        export interface MessageList {
            id: string | null;
            messages: MessageHeader[];
        }
        export interface MessagePart {
            contentType?: string;
            /** By name in small letters; the message itself has them, and so have attached ones. */
            headers?: Record<string, string[]>;
            body?: string;
            parts?: MessagePart[];
        }
        export function getFull(id: number): Promise<MessagePart>;
        export function query(info: { fromDate: Date; recipients: string }): Promise<MessageList>;
        export function listAttachments(id: number): Promise<MessageAttachment[]>;
        export function getAttachmentFile(id: number, partName: string): Promise<File>;
        export function continueList(id: string): Promise<MessageList>;
        export function update(id: number, properties: { read: boolean }): Promise<void>;
        /** To the trash. */
        function _delete(ids: number[]): Promise<void>;
        export { _delete as delete };
        export interface NewMailEvent {
            addListener(listener: (folder: unknown, list: MessageList) => void, monitorAllFolders?: boolean): void;
        }
        export const onNewMailReceived: NewMailEvent;
    }

    namespace messengerUtilities {
        function parseMailboxString(text: string): Promise<{ name?: string; email?: string }[]>;
    }

    namespace accounts {
        interface MailIdentity {
            id: string;
            email?: string;
            name?: string;
        }
        interface MailAccount {
            id: string;
            name: string;
            identities: MailIdentity[];
        }
        function list(includeSubFolders?: boolean): Promise<MailAccount[]>;
        const onCreated: Event<() => void>;
        const onUpdated: Event<() => void>;
    }

    namespace addressBooks {
        interface Book {
            id: string;
            readOnly?: boolean;
            remote?: boolean;
        }
        function list(complete?: boolean): Promise<Book[]>;
        const onDeleted: Event<(id: string) => void>;

        namespace contacts {
            interface Contact {
                id: string;
                parentId?: string;
                readOnly?: boolean;
                remote?: boolean;
                vCard: string;
            }
            function list(bookId: string): Promise<Contact[]>;
            function get(id: string): Promise<Contact>;
            function update(id: string, vCard: string): Promise<void>;
            const onCreated: Event<(contact: Contact) => void>;
            const onManyCreated: Event<(book: Book) => void>;
            const onUpdated: Event<(contact: Contact, oldVCard: string) => void>;
            const onDeleted: Event<(bookId: string, id: string) => void>;
        }
    }
}
