//! Getting a certificate from an authority by mail, from the wish to the certificate: what is asked next, and when.
//!
//! Nothing has to be begun anew by the user: what the authority or the mail does not do now is asked again, and an old request
//! that came to nothing is followed by a new one for the same key.

#[cfg(test)]
mod tests;

use corella_identity::{
    Millis,
    enrolment::{RequestId, TOKEN_LIFETIME, Tag, Token},
};

/// What did not work is tried again after this, which doubles each time...
const FIRST_PAUSE: Millis = 5_000;
/// ...up to this.
const LONGEST_PAUSE: Millis = 600_000;
/// How often the authority is asked how far it is, while the letter is on its way.
const LOOK: Millis = 60_000;
/// What was refused is asked again after this: what stood in the way may have been removed.
const REFUSED_PAUSE: Millis = 24 * 3_600_000;
/// A letter that was handed to the mail server so long ago has gone astray, as far as the user is concerned.
const SLOW: Millis = 600_000;

/// How far the authority is with a request, in its own words.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Progress {
    /// The letter is still to be sent.
    Waiting {
        /// Whether the authority's mail server did not take it yet.
        delayed: bool,
        /// When it is to be sent, if the authority says: it does not write to an address at once that it has just written to.
        at: Option<Millis>,
    },
    /// The letter was handed to the mail server.
    Mailed,
    /// The certificate was issued.
    Issued,
    /// The mail server says that there is no such address.
    Undeliverable,
    /// It waited too long, or nobody knows of it.
    Expired,
}

/// Why something came to nothing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Trouble {
    /// Nobody answered, or not now: later may be otherwise.
    Later,
    /// The authority does not take so much from there.
    TooMuch,
    /// The authority refuses, in its own name for it: trying again soon would not help.
    Refused(String),
}

/// What the user sees of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Shown {
    /// The authority is being asked.
    Asking,
    /// It does not answer; it is asked again.
    Unreachable,
    /// It takes no more requests from here for now; it is asked again.
    Limited,
    /// It could not send its letter yet, and will.
    MailDelayed,
    /// It has written to the address lately, and writes again at that time.
    LetterLater(Millis),
    /// Its letter is on its way.
    LetterComing,
    /// Its letter should have been here by now.
    LetterSlow,
    /// The letter is here, and is being answered.
    Answering,
    /// There is no such mailbox, its mail server says.
    NoMailbox,
    /// The authority refuses, by this name.
    Refused(String),
    /// The certificate is here.
    Done,
}

/// What is to be done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Step {
    /// Send the request; comes back as [`Enrolment::asked`].
    Ask,
    /// Remember the request's name, so that a restart goes on with it.
    Keep(Option<RequestId>),
    /// Ask how far it is; comes back as [`Enrolment::looked`].
    Look(RequestId),
    /// Look through the mailbox for a letter that came before; what is found comes as [`Enrolment::letter`].
    SearchMail,
    /// Send the answer, signed; comes back as [`Enrolment::answered`].
    Answer {
        /// Which request.
        id: RequestId,
        /// What the letter said.
        token: Token,
    },
    /// Take the certificate into use: it is checked before.
    Install(String),
    /// Tell the user.
    Show(Shown),
}

#[derive(Debug, Clone, Copy)]
enum Phase {
    Asking,
    Waiting { id: RequestId, since: Millis },
    Answering { id: RequestId, since: Millis, token: Token },
    Over,
}

/// One address's way to a certificate.
#[derive(Debug)]
pub struct Enrolment {
    phase: Phase,
    /// When to do something, unless something happens before.
    due: Option<Millis>,
    pause: Millis,
    shown: Option<Shown>,
}

impl Enrolment {
    /// Begins; `id`: a request that was made before the program was started, `since` then.
    pub fn begin(request: Option<(RequestId, Millis)>, now: Millis) -> (Self, Vec<Step>) {
        let mut enrolment = Self {
            phase: Phase::Asking,
            due: None,
            pause: FIRST_PAUSE,
            shown: None,
        };
        let mut steps = Vec::new();
        match request.filter(|(_, since)| now < since + TOKEN_LIFETIME) {
            Some((id, since)) => {
                enrolment.phase = Phase::Waiting { id, since };
                // The letter may have come while nobody was looking.
                steps.push(Step::SearchMail);
                enrolment.look(now, &mut steps);
            }
            None => enrolment.ask(&mut steps),
        }
        (enrolment, steps)
    }

    /// When [`Enrolment::wake`] is to be called.
    pub fn next_wakeup(&self) -> Option<Millis> {
        self.due
    }

    /// Whether there is nothing more to come.
    pub fn is_over(&self) -> bool {
        matches!(self.phase, Phase::Over)
    }

    /// The time of [`Enrolment::next_wakeup`] has come.
    pub fn wake(&mut self, now: Millis) -> Vec<Step> {
        let mut steps = Vec::new();
        if self.due.is_none_or(|due| now < due) {
            return steps;
        }
        match self.phase {
            Phase::Asking => self.ask(&mut steps),
            Phase::Waiting { .. } => self.look(now, &mut steps),
            Phase::Answering { id, token, .. } => self.answer(id, token, &mut steps),
            Phase::Over => self.due = None,
        }
        steps
    }

    /// The user does not want to wait: what comes next comes now.
    pub fn hurry(&mut self, now: Millis) -> Vec<Step> {
        if self.due.is_none() {
            return Vec::new();
        }
        self.pause = FIRST_PAUSE;
        self.due = Some(now);
        self.shown = None;
        let mut steps = self.wake(now);
        if let Phase::Waiting { .. } = self.phase {
            steps.push(Step::SearchMail);
        }
        steps
    }

    /// The authority has answered the request, or not.
    pub fn asked(&mut self, answer: Result<(RequestId, Progress), Trouble>, now: Millis) -> Vec<Step> {
        let mut steps = Vec::new();
        if !matches!(self.phase, Phase::Asking) {
            return steps;
        }
        match answer {
            Ok((id, progress)) => {
                self.pause = FIRST_PAUSE;
                self.phase = Phase::Waiting { id, since: now };
                steps.push(Step::Keep(Some(id)));
                self.goes(progress, now, &mut steps);
            }
            Err(trouble) => self.trouble(trouble, now, &mut steps),
        }
        steps
    }

    /// How far the authority is.
    pub fn looked(&mut self, answer: Result<Progress, Trouble>, now: Millis) -> Vec<Step> {
        let mut steps = Vec::new();
        if matches!(self.phase, Phase::Waiting { .. }) {
            match answer {
                Ok(progress) => self.goes(progress, now, &mut steps),
                // What was shown of the letter is still so.
                Err(_) => self.due = Some(now + LOOK),
            }
        }
        steps
    }

    /// A letter of an authority is here. Whether it was about this request, and what follows.
    pub fn letter(&mut self, tokens: &[(Tag, Token)], now: Millis) -> Option<Vec<Step>> {
        let Phase::Waiting { id, since } = self.phase else {
            return None;
        };
        let (_, token) = tokens.iter().find(|(tag, _)| *tag == id.tag())?;
        let mut steps = Vec::new();
        self.pause = FIRST_PAUSE;
        self.phase = Phase::Answering {
            id,
            since,
            token: *token,
        };
        self.show(Shown::Answering, &mut steps);
        self.answer(id, *token, &mut steps);
        self.due = Some(now + LONGEST_PAUSE);
        Some(steps)
    }

    /// The authority has answered the answer: with the certificate and its chain, in PEM.
    pub fn answered(&mut self, answer: Result<String, Trouble>, now: Millis) -> Vec<Step> {
        let mut steps = Vec::new();
        let Phase::Answering { id, since, .. } = self.phase else {
            return steps;
        };
        match answer {
            Ok(chain) => steps.push(Step::Install(chain)),
            // A letter of somebody else's making; the true one is to come.
            Err(Trouble::Refused(name)) if name == "wrong-token" => {
                self.phase = Phase::Waiting { id, since };
                self.show(Shown::LetterComing, &mut steps);
                self.look(now, &mut steps);
            }
            // The letter was of a request that is over: begin anew, with the same key.
            Err(Trouble::Refused(name)) if matches!(name.as_str(), "expired" | "unknown-request") => {
                self.anew(now, &mut steps);
            }
            Err(trouble) => self.trouble(trouble, now, &mut steps),
        }
        steps
    }

    /// What became of [`Step::Install`]. A certificate that is not good is no end: the authority may have erred.
    pub fn installed(&mut self, is_good: bool, now: Millis) -> Vec<Step> {
        let mut steps = Vec::new();
        if is_good {
            self.phase = Phase::Over;
            self.due = None;
            steps.push(Step::Keep(None));
            self.show(Shown::Done, &mut steps);
        } else {
            self.trouble(Trouble::Refused("bad-certificate".to_owned()), now, &mut steps);
        }
        steps
    }

    fn goes(&mut self, progress: Progress, now: Millis, steps: &mut Vec<Step>) {
        let Phase::Waiting { since, .. } = self.phase else {
            return;
        };
        self.due = Some(now + LOOK);
        match progress {
            Progress::Waiting { delayed: true, .. } => self.show(Shown::MailDelayed, steps),
            Progress::Waiting { delayed: false, at } => match at {
                // No authority is believed that the user has to wait for longer than a request is good for.
                Some(at) if at > now + LOOK => self.show(Shown::LetterLater(at.min(since + TOKEN_LIFETIME)), steps),
                _ => self.show(Shown::LetterComing, steps),
            },
            Progress::Mailed | Progress::Issued if now >= since + SLOW => {
                if self.shown != Some(Shown::LetterSlow) {
                    // It may be there all the same, where it was not noticed.
                    steps.push(Step::SearchMail);
                }
                self.show(Shown::LetterSlow, steps);
            }
            Progress::Mailed | Progress::Issued => self.show(Shown::LetterComing, steps),
            Progress::Undeliverable => {
                self.show(Shown::NoMailbox, steps);
                self.refused(now, steps);
            }
            Progress::Expired => self.anew(now, steps),
        }
    }

    fn trouble(&mut self, trouble: Trouble, now: Millis, steps: &mut Vec<Step>) {
        match trouble {
            Trouble::Refused(name) => {
                self.show(Shown::Refused(name), steps);
                return self.refused(now, steps);
            }
            Trouble::TooMuch => self.show(Shown::Limited, steps),
            Trouble::Later => self.show(Shown::Unreachable, steps),
        }
        self.due = Some(now + self.pause);
        self.pause = (2 * self.pause).min(LONGEST_PAUSE);
    }

    fn anew(&mut self, now: Millis, steps: &mut Vec<Step>) {
        self.phase = Phase::Asking;
        steps.push(Step::Keep(None));
        self.due = Some(now + self.pause);
        self.pause = (2 * self.pause).min(LONGEST_PAUSE);
    }

    fn refused(&mut self, now: Millis, steps: &mut Vec<Step>) {
        self.phase = Phase::Asking;
        self.due = Some(now + REFUSED_PAUSE);
        self.pause = FIRST_PAUSE;
        steps.push(Step::Keep(None));
    }

    fn ask(&mut self, steps: &mut Vec<Step>) {
        self.due = None;
        if self.shown.is_none() {
            self.show(Shown::Asking, steps);
        }
        steps.push(Step::Ask);
    }

    fn look(&mut self, now: Millis, steps: &mut Vec<Step>) {
        if let Phase::Waiting { id, .. } = self.phase {
            self.due = Some(now + LOOK);
            steps.push(Step::Look(id));
        }
    }

    fn answer(&mut self, id: RequestId, token: Token, steps: &mut Vec<Step>) {
        self.due = None;
        steps.push(Step::Answer { id, token });
    }

    fn show(&mut self, shown: Shown, steps: &mut Vec<Step>) {
        if self.shown.as_ref() != Some(&shown) {
            self.shown = Some(shown.clone());
            steps.push(Step::Show(shown));
        }
    }
}
